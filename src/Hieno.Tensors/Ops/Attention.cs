namespace Hieno.Tensors;

/// <summary>Settings of <see cref="Ops.Attention"/>.</summary>
/// <param name="Heads">Number of query heads.</param>
public sealed record AttentionOptions(int Heads)
{
    /// <summary>Number of key and value heads; it divides <see cref="Heads"/>. Default: as many as query heads.</summary>
    public int KvHeads { get; init; } = Heads;

    /// <summary>Factor of the scores q·k. Default (null): 1/√D for heads D wide.</summary>
    public float? Scale { get; init; }

    /// <summary>Probability with which an attention weight is dropped while the tape has a dropout source. Default 0.</summary>
    public float DropoutRate { get; init; }

    /// <summary>Limit c of the scores, which become c·tanh(score / c). Default 0: no limit.</summary>
    /// <remarks>Gemma 2, <see href="https://arxiv.org/abs/2408.00118"/>, section 2.</remarks>
    public float SoftCap { get; init; }

    /// <summary>
    /// For each query head by how much a score falls with each key between it and the last one that the query sees; null (default) for not at all.
    /// </summary>
    /// <remarks>ALiBi: Press et al. 2021, <see href="https://arxiv.org/abs/2108.12409"/>, section 3.</remarks>
    public IReadOnlyList<float>? Slopes { get; init; }

    /// <summary>Query heads that share one key head.</summary>
    internal int HeadsPerKv => Heads / KvHeads;
}

public static partial class Ops
{
    /// <summary>Attention of each query to the keys of its span: y = softmax(scale · q·kᵀ + bias − slope · distance) · v, head by head.</summary>
    /// <param name="q">Queries, [Nq, Heads · D]; rows may be strided, e.g. columns of a fused projection.</param>
    /// <param name="k">Keys, [Nk, KvHeads · D]; query head h uses key head h / (Heads / KvHeads).</param>
    /// <param name="v">Values, [Nk, KvHeads · D].</param>
    /// <param name="spans">The interval of keys that each query sees.</param>
    /// <param name="options">Heads, scale, dropout and score limit.</param>
    /// <param name="bias">What is added to the scaled scores, [Heads, pairs], each query's pairs from <see cref="AttentionSpans.PairStart"/> on; null (default) for nothing.</param>
    /// <returns>[Nq, Heads · D]; zeros for a query that sees no key.</returns>
    /// <exception cref="ShapeException">A shape does not fit the heads or the spans.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of range.</exception>
    /// <exception cref="ArgumentException">The same tensor was given twice while its gradient is wanted.</exception>
    /// <remarks>
    /// Vaswani et al. 2017, <see href="https://arxiv.org/abs/1706.03762"/>, section 3.2; grouped heads: Ainslie et al. 2023,
    /// <see href="https://arxiv.org/abs/2305.13245"/>; computed tile by tile as in Dao 2023, <see href="https://arxiv.org/abs/2307.08691"/>,
    /// section 3.1: only one number per query and head (the logarithm of the softmax's denominator) is kept for the backward pass.
    /// </remarks>
    public static Tensor Attention(Tensor q, Tensor k, Tensor v, AttentionSpans spans, AttentionOptions options, Tensor? bias = null)
    {
        CheckAttention(q, k, v, spans, options);
        CheckBias(bias, spans, options);
        options = options with { Scale = options.Scale ?? 1f / MathF.Sqrt(q.Columns / options.Heads) };
        DropoutMask? dropout = null;
        if (options.DropoutRate > 0f && Tape.Current?.Dropout is { } source)
        {
            dropout = new DropoutMask(source.Rng, source.Pass, source.TakePositions(), options.DropoutRate);
        }

        Tensor y = Tensor.Create(q.Shape, q.Backend);
        Tensor logSums = Tensor.Create([options.Heads, q.Rows], q.Backend);
        q.Backend.AttentionForward(q, k, v, bias, spans, options, dropout, y, logSums);
        Tape.Spend(4L * spans.PairCount * q.Columns);
        return Tape.Wants(q, k, v, bias) ? Tape.Record(y, new AttentionBackward(q, k, v, bias, spans, options, dropout, y, logSums)) : y;
    }

    private static void CheckBias(Tensor? bias, AttentionSpans spans, AttentionOptions options)
    {
        const string Op = nameof(Attention);
        if (bias is null)
        {
            return;
        }

        DTypes.ThrowIfNotF32(bias, Op);
        ShapeException.ThrowUnless(
            bias.Shape.Rank == 2 && bias.Rows == options.Heads && bias.Columns == spans.PairCount,
            $"the bias is {bias.Shape}, expected [{options.Heads}, {spans.PairCount}], a number for each head and pair.",
            Op);
    }

    private static void CheckAttention(Tensor q, Tensor k, Tensor v, AttentionSpans spans, AttentionOptions options)
    {
        const string Op = nameof(Attention);
        ArgumentNullException.ThrowIfNull(q);
        ArgumentNullException.ThrowIfNull(k);
        ArgumentNullException.ThrowIfNull(v);
        ArgumentNullException.ThrowIfNull(spans);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Heads, 1, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThan(options.KvHeads, 1, nameof(options));
        if (options.DropoutRate is not (>= 0f and <= 1f) || options.SoftCap is not (>= 0f and < float.PositiveInfinity))
        {
            throw new ArgumentOutOfRangeException(
                nameof(options),
                $"Attention: the dropout rate is {options.DropoutRate} and the score limit {options.SoftCap}. "
                + "Use a rate in [0, 1] and a limit of 0 (none) or more.");
        }

        ShapeException.ThrowUnless(
            options.Slopes is null || options.Slopes.Count == options.Heads,
            $"there are {options.Slopes?.Count} slopes for {options.Heads} query heads. Give one for each.",
            Op);
        ShapeException.ThrowUnless(
            options.Heads % options.KvHeads == 0,
            $"{options.Heads} query heads cannot share {options.KvHeads} key heads evenly. Make one a multiple of the other.",
            Op);
        ShapeException.ThrowUnless(q.Columns > 0 && q.Columns % options.Heads == 0, $"q {q.Shape} cannot be cut into {options.Heads} heads.", Op);
        int keyColumns = q.Columns / options.Heads * options.KvHeads;
        ShapeException.ThrowIfLastIsNot(k, keyColumns, Op);
        ShapeException.ThrowIfLastIsNot(v, keyColumns, Op);
        ShapeException.ThrowUnless(k.Rows == v.Rows, $"k has {k.Rows} rows, v has {v.Rows}. Give one value for each key.", Op);
        ShapeException.ThrowUnless(q.Rows == spans.QueryCount, $"q has {q.Rows} rows, but the spans are of {spans.QueryCount} queries.", Op);
        ShapeException.ThrowUnless(k.Rows >= spans.KeyCount, $"k has {k.Rows} rows, but the spans reach up to row {spans.KeyCount}.", Op);
        DTypes.ThrowIfNotF32(q, Op);
        DTypes.ThrowIfNotF32(k, Op);
        DTypes.ThrowIfNotF32(v, Op);
        bool repeats = ReferenceEquals(q, k) || ReferenceEquals(q, v) || ReferenceEquals(k, v);
        if (repeats && Tape.Wants(q, k, v))
        {
            throw new ArgumentException("Attention: q, k and v must be three tensors where a gradient is wanted. Project or copy the shared one.");
        }
    }

    // With S = scale·q·kᵀ (sloped, limited), P = exp(S − logSum) and, under dropout, M the masks' factors (0 or 1/(1 − rate)):
    //   dv = (P∘M)ᵀ·dy            dP = M∘(dy·vᵀ)
    //   dS = P∘(dP − rowsum(dy∘y)) · (1 − (S/c)²)
    //   dq = scale·dS·k           dk = scale·dSᵀ·q           dbias = dS
    private sealed class AttentionBackward : Backward
    {
        private readonly Tensor _q;
        private readonly Tensor _k;
        private readonly Tensor _v;
        private readonly Tensor? _bias;
        private readonly AttentionSpans _spans;
        private readonly AttentionOptions _options;
        private readonly DropoutMask? _dropout;
        private readonly Tensor _y;
        private readonly Tensor _logSums;

        public AttentionBackward(
            Tensor q, Tensor k, Tensor v, Tensor? bias, AttentionSpans spans, AttentionOptions options, DropoutMask? dropout, Tensor y, Tensor logSums)
            : base(q, k, v, bias)
        {
            _bias = bias is null ? null : Hold(bias);
            (_q, _k, _v, _y, _logSums) = (Hold(q), Hold(k), Hold(v), Hold(y), Hold(logSums));
            (_spans, _options, _dropout) = (spans, options, dropout);
        }

        // Each derivative is one product of 2·D operations a pair. Two more, which find P and dP again, are done once for all three:
        // they are counted for the first that is wanted.
        public override long FlopsFor(Tensor input)
        {
            Tensor first = Needs(_q) ? _q : Needs(_k) ? _k : Needs(_v) ? _v : _bias!;
            long product = ReferenceEquals(input, _bias) ? 0 : 2L * _spans.PairCount * _q.Columns;
            return ReferenceEquals(input, first) ? product + (4L * _spans.PairCount * _q.Columns) : product;
        }

        protected override void Run(Tensor dy)
        {
            (bool addToQ, bool addToK, bool addToV, bool addToBias) = (false, false, false, false);
            Tensor? dq = Needs(_q) ? GradOf(_q, out addToQ) : null;
            Tensor? dk = Needs(_k) ? GradOf(_k, out addToK) : null;
            Tensor? dv = Needs(_v) ? GradOf(_v, out addToV) : null;
            Tensor? dbias = Needs(_bias) ? GradOf(_bias!, out addToBias) : null;
            dy.Backend.AttentionBackward(
                _q, _k, _v, _bias, _spans, _options, _dropout, _y, _logSums, dy, new(dq, addToQ), new(dk, addToK), new(dv, addToV), new(dbias, addToBias));
        }
    }
}

/// <summary>Where a gradient goes.</summary>
/// <param name="Tensor">The buffer; null when this gradient is not wanted.</param>
/// <param name="Add">True to add to what the buffer holds, false to overwrite it.</param>
public readonly record struct AttentionGrad(Tensor? Tensor, bool Add);

public abstract partial class Backend
{
    /// <summary>Kernel of <see cref="Ops.Attention"/>; <paramref name="logSums"/> [Heads, Nq] receives log Σ exp(score) of each query.</summary>
    public abstract void AttentionForward(
        Tensor q, Tensor k, Tensor v, Tensor? bias, AttentionSpans spans, AttentionOptions options, DropoutMask? dropout, Tensor y, Tensor logSums);

    /// <summary>Kernel of the derivative of <see cref="Ops.Attention"/>.</summary>
    public abstract void AttentionBackward(
        Tensor q,
        Tensor k,
        Tensor v,
        Tensor? bias,
        AttentionSpans spans,
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
