namespace Hieno.Tensors;

/// <summary>The windows along one side of a picture over which pixels are pooled, each a run of pixels.</summary>
public sealed class PoolSide
{
    private readonly int[] _first;
    private readonly int[] _count;
    private readonly int[] _divisor;
    private readonly (int Start, int End)[] _near;

    private PoolSide(int length, int dilation, int[] first, int[] count, int[] divisor)
    {
        (Length, Dilation) = (length, dilation);
        (_first, _count, _divisor) = (first, count, divisor);
        _near = [.. Enumerable.Range(0, length).Select(FindPlaces)];
    }

    /// <summary>Pixels along the side.</summary>
    public int Length { get; }

    /// <summary>Windows along the side.</summary>
    public int Places => _first.Length;

    /// <summary>Pixels from one element of a window to the next.</summary>
    public int Dilation { get; }

    /// <summary>First pixel of each window, inside the picture.</summary>
    public ReadOnlySpan<int> First => _first;

    /// <summary>Elements of each window that lie in the picture.</summary>
    public ReadOnlySpan<int> Count => _count;

    /// <summary>Elements of each window that a mean divides by; with the padding, where that counts.</summary>
    public ReadOnlySpan<int> Divisor => _divisor;

    /// <summary>Windows of one size at equal distances.</summary>
    /// <param name="length">Pixels along the side.</param>
    /// <param name="window">Elements of a window.</param>
    /// <param name="axis">Stride, padding and dilation.</param>
    /// <param name="roundUp">Whether a last window may reach beyond the padding, as long as it begins in the picture or the padding before it. Default false.</param>
    /// <param name="countPadding">Whether means count padding as zeros. Default true, as in PyTorch.</param>
    /// <exception cref="ShapeException">The window does not fit, or a padding is more than half of it.</exception>
    public static PoolSide Sliding(int length, int window, SlidingAxis axis, bool roundUp = false, bool countPadding = true)
    {
        axis.Check("the axis", nameof(PoolSide));
        ShapeException.ThrowUnless(
            window > 0 && Math.Max(axis.Before, axis.After) <= window / 2, $"padding {axis.Before} and {axis.After} is more than half of a window of {window}.");
        int span = length + axis.Before + axis.After - (axis.Dilation * (window - 1)) - 1;
        int places = span < 0 ? 0 : ((span + (roundUp ? axis.Stride - 1 : 0)) / axis.Stride) + 1;
        places -= roundUp && (places - 1) * axis.Stride >= length + axis.Before ? 1 : 0; // a window that begins in the padding behind reads nothing
        ShapeException.ThrowUnless(places > 0, $"a window of {window} with dilation {axis.Dilation} does not fit {length} pixels.");
        (int[] first, int[] count, int[] divisor) = (new int[places], new int[places], new int[places]);
        for (int place = 0; place < places; place++)
        {
            int start = (place * axis.Stride) - axis.Before;
            int skipped = start >= 0 ? 0 : (-start + axis.Dilation - 1) / axis.Dilation;
            first[place] = start + (skipped * axis.Dilation);
            count[place] = Math.Max(0, Math.Min(window - skipped, (length - 1 - first[place]) / axis.Dilation + 1));
            divisor[place] = countPadding ? Math.Min(start + window, length + axis.After) - start : count[place];
        }

        return new PoolSide(length, axis.Dilation, first, count, divisor);
    }

    /// <summary>As many windows as wanted, of nearly equal size: window i goes from ⌊i·L/n⌋ to ⌈(i + 1)·L/n⌉.</summary>
    /// <param name="length">L, pixels along the side.</param>
    /// <param name="places">n, windows, at least 1.</param>
    public static PoolSide Adaptive(int length, int places)
    {
        ShapeException.ThrowUnless(length > 0 && places > 0, $"{places} windows over {length} pixels are none.");
        int[] first = [.. Enumerable.Range(0, places).Select(i => (int)((long)i * length / places))];
        int[] count = [.. Enumerable.Range(0, places).Select(i => (int)((((long)(i + 1) * length) + places - 1) / places) - first[i])];
        return new PoolSide(length, 1, first, count, count);
    }

    /// <summary>The windows that a pixel can lie in: from the first to behind the last.</summary>
    internal (int Start, int End) PlacesNear(int pixel) => _near[pixel];

    // Where windows are dilated, those between need not hold the pixel.
    private (int Start, int End) FindPlaces(int pixel)
    {
        int start = 0;
        while (start < Places && _first[start] + ((_count[start] - 1) * Dilation) < pixel)
        {
            start++;
        }

        int end = Places;
        while (end > start && _first[end - 1] > pixel)
        {
            end--;
        }

        return (start, end);
    }
}
