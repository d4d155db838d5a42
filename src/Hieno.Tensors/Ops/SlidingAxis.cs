namespace Hieno.Tensors;

/// <summary>How a window moves along one side of a picture.</summary>
/// <param name="Stride">Pixels from one place of the window to the next. Default 1.</param>
/// <param name="Before">Rows or columns of padding before the first. Default 0.</param>
/// <param name="After">Padding behind the last. Default 0.</param>
/// <param name="Dilation">Pixels from one element of the window to the next. Default 1: they lie side by side.</param>
public readonly record struct SlidingAxis(int Stride = 1, int Before = 0, int After = 0, int Dilation = 1)
{
    /// <summary>An axis with stride and dilation 1 and no padding.</summary>
    public SlidingAxis()
        : this(1)
    {
    }

    /// <summary>An axis with the same padding on both ends.</summary>
    /// <param name="stride">Pixels from one place to the next.</param>
    /// <param name="padding">Rows or columns of padding on each end.</param>
    /// <param name="dilation">Pixels from one element of the window to the next.</param>
    public static SlidingAxis Padded(int stride, int padding, int dilation = 1) => new(stride, padding, padding, dilation);

    /// <summary>An axis whose output is as long as its input at stride 1; an odd pixel of padding comes last, as in PyTorch's <c>same</c>.</summary>
    /// <param name="window">Elements of the window.</param>
    /// <param name="dilation">Pixels from one element of the window to the next.</param>
    public static SlidingAxis Same(int window, int dilation = 1)
    {
        int padding = dilation * (window - 1);
        return new SlidingAxis(1, padding / 2, padding - (padding / 2), dilation);
    }

    /// <summary>
    /// The same axis, padded so that the windows reach the last pixel of a side of this length and there are ⌈length / stride⌉ of them: TensorFlow's
    /// <c>same</c>. An odd pixel of padding comes last.
    /// </summary>
    /// <param name="length">Pixels along the side.</param>
    /// <param name="window">Elements of the window.</param>
    public SlidingAxis Covering(int length, int window)
    {
        int rest = length % Stride;
        int padding = Math.Max(0, window - (rest == 0 ? Stride : rest));
        return this with { Before = padding / 2 * Dilation, After = (padding - (padding / 2)) * Dilation };
    }

    /// <summary>How many places a window has: ⌊(length + padding − dilation·(window − 1) − 1) / stride⌋ + 1, or less than 1 where it does not fit.</summary>
    /// <param name="length">Pixels along the side.</param>
    /// <param name="window">Elements of the window.</param>
    public int Places(int length, int window)
    {
        int last = length + Before + After - (Dilation * (window - 1)) - 1;
        return last < 0 ? 0 : (last / Stride) + 1;
    }

    internal void Check(string side, string op)
    {
        ShapeException.ThrowUnless(
            Stride > 0 && Dilation > 0 && Before >= 0 && After >= 0,
            $"{side} has stride {Stride}, dilation {Dilation} and padding {Before} and {After}; stride and dilation are at least 1, padding at least 0.",
            op);
    }
}
