using Hieno.Tensors;

namespace Hieno.Models.Vision.Swin;

/// <summary>
/// How the vectors of pictures are laid out window by window: a window's rows lie one after the other. Shifted, the picture is first turned by half a
/// window each way, so that windows cover the seams of the others; rows that met only by this turn do not see each other.
/// </summary>
internal sealed class SwinWindows
{
    private readonly int[] _places; // for each row of the windows the row of the pictures, or their number for padding
    private readonly int[] _back; // for each row of the pictures its place in the windows
    private readonly bool _isPadded;

    /// <summary>Cuts pictures into windows.</summary>
    /// <param name="pictures">How many.</param>
    /// <param name="height">Vectors from top to bottom.</param>
    /// <param name="width">Vectors from left to right.</param>
    /// <param name="side">Vectors of a window's side; one that covers the picture is as large as its shorter side.</param>
    /// <param name="shifted">True to shift them, where more than one covers the picture.</param>
    public SwinWindows(int pictures, int height, int width, int side, bool shifted)
    {
        Side = Math.Min(side, Math.Min(height, width));
        int shift = shifted && Math.Min(height, width) > side ? side / 2 : 0;
        (int rows, int columns) = (Up(height), Up(width));
        _isPadded = (rows, columns) != (height, width);
        _places = new int[pictures * rows * columns];
        _back = new int[pictures * height * width];
        int[] regions = new int[_places.Length];
        int next = 0;
        for (int window = 0; window < pictures * (rows / Side) * (columns / Side); window++)
        {
            (int picture, int inPicture) = Math.DivRem(window, rows / Side * (columns / Side));
            (int down, int across) = (inPicture / (columns / Side) * Side, inPicture % (columns / Side) * Side);
            for (int place = 0; place < Side * Side; place++, next++)
            {
                (int y, int x) = (down + (place / Side), across + (place % Side)); // in the turned picture
                regions[next] = (RegionOf(y, rows, shift) * 3) + RegionOf(x, columns, shift);
                (y, x) = ((y + shift) % rows, (x + shift) % columns);
                bool exists = y < height && x < width;
                _places[next] = exists ? (((picture * height) + y) * width) + x : _back.Length;
                if (exists)
                {
                    _back[_places[next]] = next;
                }
            }
        }

        Spans = new WindowSpans(Side * Side, shift > 0 ? regions : null);
    }

    /// <summary>Vectors of a window's side.</summary>
    public int Side { get; }

    /// <summary>What rows of windows see.</summary>
    public WindowSpans Spans { get; }

    /// <summary>The pictures' vectors in the order of windows; padding is zeros.</summary>
    public Tensor Cut(Tensor x)
    {
        if (!_isPadded)
        {
            return Ops.Rows(x, _places);
        }

        Tensor zeros = Tensor.Create([1, x.Columns], x.Backend);
        zeros.Backend.Fill(zeros, 0f);
        return Ops.Rows(Ops.Concatenate(x, zeros), _places);
    }

    /// <summary>Vectors in the order of windows back in that of the pictures, without padding.</summary>
    public Tensor Join(Tensor x) => Ops.Rows(x, _back);

    private int Up(int length) => (length + Side - 1) / Side * Side;

    // Before the last window, in it before the seam, and behind the seam.
    private int RegionOf(int place, int length, int shift) => place < length - Side ? 0 : place < length - shift ? 1 : 2;
}
