using Hieno.Tensors;

namespace Hieno.Models.Layers;

/// <summary>A number for each head and each distance between two places of a window, which attention adds to the scores.</summary>
/// <remarks>Liu et al. 2021, <see href="https://arxiv.org/abs/2103.14030"/>, section 3.2; with a class vector before the window: Bao et al. 2021, <see href="https://arxiv.org/abs/2106.08254"/>.</remarks>
public sealed class RelativePositions : Module
{
    private readonly (int Height, int Width) _window;
    private readonly bool _hasClass;
    private readonly Parameter _table;

    /// <summary>Takes <c>relative_position_bias_table</c> from <paramref name="w"/>.</summary>
    /// <param name="w">Its place in the checkpoint.</param>
    /// <param name="window">Places of a window, down and across.</param>
    /// <param name="heads">Heads.</param>
    /// <param name="hasClass">True where a class vector stands before the window, with three numbers of its own: to it, from it, and both. Default false.</param>
    public RelativePositions(WeightScope w, (int Height, int Width) window, int heads, bool hasClass = false)
        : base((w ?? throw new ArgumentNullException(nameof(w))).Path)
    {
        (_window, _hasClass) = (window, hasClass);
        _table = Add(w.Weight("relative_position_bias_table", [Distances(window) + (hasClass ? 3 : 0), heads], Initializer.Normal(0.02f)));
    }

    /// <summary>The numbers of all pairs of places.</summary>
    /// <param name="window">Places of a window, down and across, at most those there are distances for.</param>
    /// <returns>[heads, L, L], the query's place before the key's.</returns>
    public Tensor Forward((int Height, int Width) window)
    {
        ShapeException.ThrowUnless(
            window.Height <= _window.Height && window.Width <= _window.Width,
            $"{Path} knows distances within {_window.Height} × {_window.Width} places, not within {window.Height} × {window.Width}. Give pictures of the size in config.json.",
            nameof(RelativePositions));
        int[] index = IndexOf(window);
        int length = (int)Math.Sqrt(index.Length);
        return Ops.Reshape(Ops.Transpose(Ops.Rows(_table, index)), [_table.Value.Columns, length, length]);
    }

    private int[] IndexOf((int Height, int Width) window)
    {
        int first = _hasClass ? 1 : 0;
        int length = first + (window.Height * window.Width);
        int[] index = new int[length * length];
        for (int query = 0; query < length; query++)
        {
            for (int key = 0; key < length; key++)
            {
                index[(query * length) + key] = query >= first && key >= first
                    ? Distance(query - first, key - first, window.Width)
                    : Distances(_window) + (query < first && key < first ? 2 : query < first ? 0 : 1);
            }
        }

        return index;
    }

    private int Distance(int query, int key, int width)
    {
        (int down, int across) = ((query / width) - (key / width), (query % width) - (key % width));
        return ((down + _window.Height - 1) * ((2 * _window.Width) - 1)) + across + _window.Width - 1;
    }

    private static int Distances((int Height, int Width) window) => ((2 * window.Height) - 1) * ((2 * window.Width) - 1);
}
