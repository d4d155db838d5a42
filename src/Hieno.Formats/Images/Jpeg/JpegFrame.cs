namespace Hieno.Formats.Images.Jpeg;

/// <summary>A picture's size and its components (ITU-T T.81, section B.2.2).</summary>
internal sealed record JpegFrame(int Width, int Height, bool Progressive, JpegComponent[] Components)
{
    public int MaxH { get; } = Components.Max(component => component.H);

    public int MaxV { get; } = Components.Max(component => component.V);

    /// <summary>Minimum coded units in a row: squares in which every component has whole blocks.</summary>
    public int UnitColumns => DivideUp(Width, 8 * MaxH);

    /// <summary>Rows of minimum coded units.</summary>
    public int UnitRows => DivideUp(Height, 8 * MaxV);

    /// <summary>Reads the frame header, its marker and length already read.</summary>
    public static JpegFrame Read(ImageBytes segment, ImageBytes file, bool progressive, ImageReadOptions options)
    {
        int precision = segment.ReadByte();
        (int height, int width, int count) = (segment.ReadUInt16(), segment.ReadUInt16(), segment.ReadByte());
        if (precision != 8)
        {
            throw file.Unsupported($"it has {precision} bits a sample", "Save it with 8 bits");
        }

        file.CheckSize(width, height, options);
        if (count is not (1 or 3))
        {
            throw file.Unsupported(
                count == 4 ? "its colours are mixed for printing (CMYK), which depends on a colour profile" : $"it has {count} components, and 1 (grey) or 3 (colour) can be read",
                "Save it in RGB");
        }

        var components = new JpegComponent[count];
        for (int i = 0; i < count; i++)
        {
            (int id, int factors, int table) = (segment.ReadByte(), segment.ReadByte(), segment.ReadByte());
            components[i] = new JpegComponent(id, factors >> 4, factors & 15, table);
            if (components[i].H is < 1 or > 4 || components[i].V is < 1 or > 4 || table > 3 || components[..i].Any(other => other.Id == id))
            {
                throw file.Invalid($"component {id} has sampling factors {factors >> 4} × {factors & 15} and quantisation table {table}, which no JPEG has");
            }
        }

        var frame = new JpegFrame(width, height, progressive, components);
        frame.Allocate(file);
        return frame;
    }

    private void Allocate(ImageBytes file)
    {
        long blocks = 0;
        foreach (JpegComponent component in Components)
        {
            if (MaxH % component.H != 0 || MaxV % component.V != 0)
            {
                throw file.Unsupported($"its components are sampled {component.H} × {component.V} and {MaxH} × {MaxV}, which is no whole ratio", "Save it again with another program");
            }

            component.BlocksPerRow = UnitColumns * component.H;
            component.BlockRows = UnitRows * component.V;
            component.Width = DivideUp(Width * component.H, MaxH);
            component.Height = DivideUp(Height * component.V, MaxV);
            blocks += (long)component.BlocksPerRow * component.BlockRows;
        }

        if (blocks > 8L * file.Length) // a block takes a bit at the least
        {
            throw file.Truncated($"{Width} × {Height} pixels are to come");
        }

        foreach (JpegComponent component in Components)
        {
            component.Coefficients = new short[64L * component.BlocksPerRow * component.BlockRows];
        }
    }

    private static int DivideUp(int number, int by) => (number + by - 1) / by;
}

/// <summary>One component (brightness or a colour), sampled at a share of the picture's pixels.</summary>
internal sealed record JpegComponent(int Id, int H, int V, int QuantizationTable)
{
    /// <summary>Blocks of 8 × 8 in a row, padded to whole coded units.</summary>
    public int BlocksPerRow { get; set; }

    public int BlockRows { get; set; }

    /// <summary>Samples in a row that belong to the picture.</summary>
    public int Width { get; set; }

    public int Height { get; set; }

    /// <summary>64 numbers a block, in the order of rows, as they are stored: not yet multiplied by the quantisation table.</summary>
    public short[] Coefficients { get; set; } = [];

    /// <summary>Factors of the 64 coefficients, in the order of rows; those in force at the component's first scan.</summary>
    public int[]? Quantization { get; set; }

    public HuffmanTable? DcTable { get; set; }

    public HuffmanTable? AcTable { get; set; }

    /// <summary>The last block's mean, from which the next one's is told as a difference.</summary>
    public int Predictor { get; set; }

    public Span<short> Block(int row, int column) => Coefficients.AsSpan(64 * ((row * BlocksPerRow) + column), 64);
}
