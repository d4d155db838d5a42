namespace Hieno.Tensors;

/// <summary>How queries and keys are cut into windows, for <see cref="Ops.WindowAttention"/>.</summary>
/// <param name="Length">Rows of a window, at least 1; windows lie one after the other.</param>
/// <param name="Regions">For each row the number of its region: rows of a window see those of their own region only. Null (default): the whole window.</param>
public sealed record WindowSpans(int Length, int[]? Regions = null);

public static partial class Ops
{
    /// <summary>
    /// Attention within windows of the same length, with a number that is added to the score of each pair of places: y = softmax(scale · q·kᵀ + b) · v,
    /// window by window and head by head.
    /// </summary>
    /// <param name="q">Queries, [N, Heads · D]; rows may be strided.</param>
    /// <param name="k">Keys, [N, Heads · D].</param>
    /// <param name="v">Values, [N, Heads · D].</param>
    /// <param name="bias">b, [Heads, L, L] for windows of L rows: the query's place, then the key's.</param>
    /// <param name="windows">The windows.</param>
    /// <param name="options">Heads, scale, dropout; as many key heads, no score limit.</param>
    /// <returns>[N, Heads · D].</returns>
    /// <exception cref="ShapeException">A shape does not fit the heads or the windows.</exception>
    /// <exception cref="ArgumentException">The same tensor was given twice while its gradient is wanted, or an option is not supported here.</exception>
    /// <remarks>Liu et al. 2021, <see href="https://arxiv.org/abs/2103.14030"/>, section 3.2, equation 4.</remarks>
    public static Tensor WindowAttention(Tensor q, Tensor k, Tensor v, Tensor bias, WindowSpans windows, AttentionOptions options)
    {
        CheckWindows(q, k, v, bias, windows, options);
        options = options with { Scale = options.Scale ?? 1f / MathF.Sqrt(q.Columns / options.Heads) };
        DropoutMask? dropout = null;
        if (options.DropoutRate > 0f && Tape.Current?.Dropout is { } source)
        {
            dropout = new DropoutMask(source.Rng, source.Pass, source.TakePositions(), options.DropoutRate);
        }

        Tensor y = Tensor.Create(q.Shape, q.Backend);
        Tensor logSums = Tensor.Create([options.Heads, q.Rows], q.Backend);
        q.Backend.WindowAttentionForward(q, k, v, bias, windows, options, dropout, y, logSums);
        Tape.Spend(4L * q.Count * windows.Length);
        return Tape.Wants(q, k, v, bias) ? Tape.Record(y, new WindowAttentionBackward(q, k, v, bias, windows, options, dropout, y, logSums)) : y;
    }

    private static void CheckWindows(Tensor q, Tensor k, Tensor v, Tensor bias, WindowSpans windows, AttentionOptions options)
    {
        const string Op = nameof(WindowAttention);
        ArgumentNullException.ThrowIfNull(windows);
        ArgumentNullException.ThrowIfNull(bias);
        ArgumentOutOfRangeException.ThrowIfLessThan(windows.Length, 1, nameof(windows));
        ArgumentNullException.ThrowIfNull(q);
        var whole = new AttentionSpans(new int[q.Rows], new int[q.Rows]); // the shapes of q, k and v are checked as those of any attention
        CheckAttention(q, k, v, whole, options);
        if (options.KvHeads != options.Heads || options.SoftCap != 0f)
        {
            throw new ArgumentException($"{Op}: {options.KvHeads} key heads and a score limit of {options.SoftCap} are not supported. Use {options.Heads} key heads and no limit.", nameof(options));
        }

        ShapeException.ThrowUnless(q.Rows % windows.Length == 0 && k.Rows == q.Rows, $"q has {q.Rows} rows and k {k.Rows}, which are not cut into windows of {windows.Length}.", Op);
        ShapeException.ThrowUnless(windows.Regions is null || windows.Regions.Length == q.Rows, $"there are regions of {windows.Regions?.Length} rows, but q has {q.Rows}.", Op);
        ShapeException.ThrowIfNot(bias, [options.Heads, windows.Length, windows.Length], Op);
        DTypes.ThrowIfNotF32(bias, Op);
    }

    // With P the probabilities and, under dropout, M the masks' factors (0 or 1/(1 − rate)):
    //   dv = (P∘M)ᵀ·dy            dP = M∘(dy·vᵀ)
    //   dS = P∘(dP − rowsum(dy∘y))
    //   dq = scale·dS·k           dk = scale·dSᵀ·q           db = Σ over windows of dS
    private sealed class WindowAttentionBackward : Backward
    {
        private readonly Tensor _q;
        private readonly Tensor _k;
        private readonly Tensor _v;
        private readonly Tensor _bias;
        private readonly WindowSpans _windows;
        private readonly AttentionOptions _options;
        private readonly DropoutMask? _dropout;
        private readonly Tensor _y;
        private readonly Tensor _logSums;

        public WindowAttentionBackward(
            Tensor q, Tensor k, Tensor v, Tensor bias, WindowSpans windows, AttentionOptions options, DropoutMask? dropout, Tensor y, Tensor logSums)
            : base(q, k, v, bias)
        {
            (_q, _k, _v, _bias, _y, _logSums) = (Hold(q), Hold(k), Hold(v), Hold(bias), Hold(y), Hold(logSums));
            (_windows, _options, _dropout) = (windows, options, dropout);
        }

        // As in attention: two products that find P and dP again are counted for the first derivative that is wanted.
        public override long FlopsFor(Tensor input)
        {
            Tensor first = Needs(_q) ? _q : Needs(_k) ? _k : Needs(_v) ? _v : _bias;
            long product = 2L * _q.Count * _windows.Length;
            long own = ReferenceEquals(input, _bias) ? (long)_options.Heads * _q.Rows * _windows.Length : product;
            return ReferenceEquals(input, first) ? own + (2 * product) : own;
        }

        protected override void Run(Tensor dy)
        {
            dy.Backend.WindowAttentionBackward(
                _q, _k, _v, _bias, _windows, _options, _dropout, _y, _logSums, dy, Wanted(_q), Wanted(_k), Wanted(_v), Wanted(_bias));
        }

        private AttentionGrad Wanted(Tensor input)
        {
            bool add = false;
            return new AttentionGrad(Needs(input) ? GradOf(input, out add) : null, add);
        }
    }
}

public abstract partial class Backend
{
    /// <summary>Kernel of <see cref="Ops.WindowAttention"/>; <paramref name="logSums"/> [Heads, N] receives log Σ exp(score) of each query.</summary>
    public abstract void WindowAttentionForward(
        Tensor q, Tensor k, Tensor v, Tensor bias, WindowSpans windows, AttentionOptions options, DropoutMask? dropout, Tensor y, Tensor logSums);

    /// <summary>Kernel of the derivative of <see cref="Ops.WindowAttention"/>.</summary>
    public abstract void WindowAttentionBackward(
        Tensor q,
        Tensor k,
        Tensor v,
        Tensor bias,
        WindowSpans windows,
        AttentionOptions options,
        DropoutMask? dropout,
        Tensor y,
        Tensor logSums,
        Tensor dy,
        AttentionGrad dq,
        AttentionGrad dk,
        AttentionGrad dv,
        AttentionGrad dbias);
}
