namespace Hieno.Formats.Images.Jpeg;

/// <summary>One pass over the blocks of some components: all their coefficients, or, in a progressive picture, some bits of some of them.</summary>
internal sealed class JpegScan(JpegFrame frame, JpegComponent[] components, ImageBytes file, int restartInterval)
{
    private readonly JpegBits _bits = new(file);
    private int _endOfBlockRun; // blocks still to come in which nothing follows

    /// <summary>Where the k-th coefficient of a block lies, from low frequencies to high (ITU-T T.81, figure A.6).</summary>
    public static ReadOnlySpan<byte> ZigZag =>
    [
        0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
        35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
    ];

    /// <summary>First coefficient of the scan, in zigzag order.</summary>
    public int First { get; init; }

    /// <summary>Last coefficient of the scan.</summary>
    public int Last { get; init; } = 63;

    /// <summary>The bit that was sent before this scan, or 0 for the first.</summary>
    public int HighBit { get; init; }

    /// <summary>The lowest bit that this scan sends.</summary>
    public int LowBit { get; init; }

    /// <summary>Reads the scan into the components' coefficients.</summary>
    public void Read()
    {
        bool single = components.Length == 1;
        int columns = single ? (components[0].Width + 7) / 8 : frame.UnitColumns;
        int rows = single ? (components[0].Height + 7) / 8 : frame.UnitRows;
        Restart();
        for (int unit = 0; unit < columns * rows; unit++)
        {
            if (restartInterval > 0 && unit > 0 && unit % restartInterval == 0)
            {
                ReadRestartMarker((unit / restartInterval) - 1);
            }

            (int row, int column) = (unit / columns, unit % columns);
            if (single)
            {
                ReadBlock(components[0], row, column);
            }
            else
            {
                ReadUnit(row, column);
            }
        }

        _bits.EndScan();
    }

    private void ReadUnit(int row, int column)
    {
        foreach (JpegComponent component in components)
        {
            for (int block = 0; block < component.H * component.V; block++)
            {
                ReadBlock(component, (row * component.V) + (block / component.H), (column * component.H) + (block % component.H));
            }
        }
    }

    private void ReadRestartMarker(int number)
    {
        _bits.EndScan();
        if (file.Left < 2)
        {
            throw file.Truncated("its pixels are not complete");
        }

        int marker = file.ReadUInt16() & 0xFF;
        if (marker != 0xD0 + (number % 8))
        {
            throw file.Invalid($"marker 0x{marker:X2} stands at byte {file.Position - 2}, where its compressed pixels go on with 0x{0xD0 + (number % 8):X2}");
        }

        Restart();
    }

    private void Restart()
    {
        _endOfBlockRun = 0;
        foreach (JpegComponent component in components)
        {
            component.Predictor = 0;
        }
    }

    private void ReadBlock(JpegComponent component, int row, int column)
    {
        Span<short> block = component.Block(row, column);
        if (!frame.Progressive)
        {
            ReadDc(component, block);
            ReadAc(component, block, 1, 63);
        }
        else if (First == 0 && HighBit == 0)
        {
            ReadDc(component, block);
        }
        else if (First == 0)
        {
            block[0] |= (short)(_bits.Read(1) << LowBit);
        }
        else if (HighBit == 0)
        {
            ReadAc(component, block, First, Last);
        }
        else
        {
            RefineAc(component, block);
        }
    }

    private void ReadDc(JpegComponent component, Span<short> block)
    {
        int bits = component.DcTable!.Read(_bits);
        if (bits > 15)
        {
            throw file.Invalid($"a block's mean has {bits} bits");
        }

        component.Predictor += _bits.ReadSigned(bits);
        block[0] = (short)(component.Predictor << LowBit);
    }

    // A byte says how many zeros come first and how many bits the next coefficient has (T.81, sections F.2.2.2 and G.1.2.2).
    private void ReadAc(JpegComponent component, Span<short> block, int first, int last)
    {
        if (_endOfBlockRun > 0)
        {
            _endOfBlockRun--;
            return;
        }

        for (int k = first; k <= last; k++)
        {
            int code = component.AcTable!.Read(_bits);
            (int zeros, int bits) = (code >> 4, code & 15);
            if (bits == 0 && zeros < 15)
            {
                _endOfBlockRun = RunLength(zeros) - 1;
                return;
            }

            k += zeros;
            if (bits > 0)
            {
                CheckEnd(k, last);
                block[ZigZag[k]] = (short)(_bits.ReadSigned(bits) << LowBit);
            }
        }
    }

    // One more bit of each coefficient that is not zero, and new coefficients of one bit between them (T.81, section G.1.2.3).
    private void RefineAc(JpegComponent component, Span<short> block)
    {
        int k = First;
        for (; k <= Last && _endOfBlockRun == 0; k++)
        {
            int code = component.AcTable!.Read(_bits);
            (int zeros, int bits) = (code >> 4, code & 15);
            if (bits == 0 && zeros < 15)
            {
                _endOfBlockRun = RunLength(zeros);
                break;
            }

            if (bits > 1)
            {
                throw file.Invalid($"a coefficient of {bits} bits stands where each gets one bit more");
            }

            int fresh = bits == 0 ? 0 : _bits.Read(1) == 1 ? 1 << LowBit : -1 << LowBit;
            k = SkipZeros(block, k, zeros);
            if (fresh != 0)
            {
                CheckEnd(k, Last);
                block[ZigZag[k]] = (short)fresh;
            }
        }

        if (_endOfBlockRun > 0)
        {
            SkipZeros(block, k, 64);
            _endOfBlockRun--;
        }
    }

    // Goes past so many zeros, refining what is not zero on the way, and stops at the zero after them (or behind the last coefficient).
    private int SkipZeros(Span<short> block, int k, int zeros)
    {
        for (; k <= Last; k++)
        {
            ref short coefficient = ref block[ZigZag[k]];
            if (coefficient == 0)
            {
                if (zeros-- == 0)
                {
                    break;
                }
            }
            else if (_bits.Read(1) == 1 && (coefficient & (1 << LowBit)) == 0)
            {
                coefficient += (short)(coefficient > 0 ? 1 << LowBit : -1 << LowBit);
            }
        }

        return k;
    }

    // For zeros < 15 without a coefficient: the block is over, and, where a picture is progressive, so are 2^zeros − 1 + (that many bits) more.
    private int RunLength(int zeros) => frame.Progressive ? (1 << zeros) + _bits.Read(zeros) : 1;

    private void CheckEnd(int k, int last)
    {
        if (k > last)
        {
            throw file.Invalid("a block has more than its 64 coefficients");
        }
    }
}
