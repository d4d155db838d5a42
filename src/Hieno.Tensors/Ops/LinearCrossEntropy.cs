namespace Hieno.Tensors;

public static partial class Ops
{
    /// <summary>
    /// A language model's head and loss in one: scale · Σᵢ wᵢ · (lse(W·hᵢ + b) − (W·hᵢ + b)[label]), where lse is the logarithm of the
    /// sum of exponentials. Rows labelled −100 are left out before the projection, and the logits of at most 512 rows exist at a time.
    /// </summary>
    /// <param name="hidden">h, [..., C], seen as N rows.</param>
    /// <param name="weight">W, [V, C]; often the embedding table itself. A 16-bit weight cannot be trained.</param>
    /// <param name="bias">b, [V], or null for none.</param>
    /// <param name="labels">N ids from 0 to V − 1, or −100 for rows that are not learned from.</param>
    /// <param name="weights">w, N factors; null (default) for all 1.</param>
    /// <param name="scale">Factor of the sum, e.g. 1 / number of target tokens of the whole batch.</param>
    /// <param name="statistics">If given, receives each target token's loss and whether it was predicted.</param>
    /// <param name="standIn">If given, rows that stand in for some rows of <paramref name="weight"/>, which then get no gradient; b stays that of <paramref name="bias"/>.</param>
    /// <param name="limit">Limit c of the logits, which become c·tanh(logit / c); 0 (default) for none.</param>
    /// <returns>[1].</returns>
    /// <exception cref="ShapeException">The shapes do not fit, or the number of labels or weights is not N.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A label is neither −100 nor below V.</exception>
    /// <remarks>
    /// Gradients are computed in the forward pass, while a chunk's logits are there, and so never need the logits twice; the backward
    /// pass only hands them over. The same idea: Hsu et al. 2024, <see href="https://arxiv.org/abs/2410.10989"/>, section 3.
    /// </remarks>
    public static Tensor LinearCrossEntropy(
        Tensor hidden, Tensor weight, Tensor? bias, int[] labels, float[]? weights = null, float scale = 1f, TokenLossStatistics? statistics = null, StandInRows? standIn = null, float limit = 0f)
    {
        ArgumentNullException.ThrowIfNull(hidden);
        ArgumentOutOfRangeException.ThrowIfNegative(limit);
        ArgumentNullException.ThrowIfNull(weight);
        CheckLinear(hidden, weight, bias, transposed: false);
        CheckLabels(labels, weights, hidden.Rows, weight.Shape[0]);
        standIn?.ThrowUnlessFit(weight);

        var pass = new HeadPass(hidden, weight, bias, labels, RowFactors(weights, scale, labels.Length), statistics, standIn, limit);
        double loss = pass.Run();
        Tensor y = Tensor.FromValues([1], [(float)loss], hidden.Backend);
        long standInCount = standIn?.Values.Count ?? 0;
        Tape.Spend(pass.TargetRows * ((2 * (weight.Count + standInCount)) + (bias is null ? 0 : bias.Count)));
        return Tape.Wants(hidden, weight, bias, standIn?.Values)
            ? Tape.Record(y, new LinearCrossEntropyBackward(hidden, weight, bias, standIn, pass))
            : y;
    }

    /// <summary>One run over the target rows, chunk by chunk. The chunks depend on nothing but the labels, so the sums' order does not either.</summary>
    private sealed class HeadPass
    {
        private const int ChunkRows = 512;

        private readonly Tensor _hidden;
        private readonly Tensor _weight;
        private readonly Tensor? _bias;
        private readonly int[] _labels;
        private readonly float[] _factors;
        private readonly int[] _rows;
        private readonly TokenLossStatistics? _statistics;
        private readonly MatMulPrecision _precision;
        private readonly StandInRows? _standIn;
        private readonly float _limit;

        public HeadPass(Tensor hidden, Tensor weight, Tensor? bias, int[] labels, float[] factors, TokenLossStatistics? statistics, StandInRows? standIn, float limit)
        {
            _limit = limit;
            _standIn = standIn is { Values.Rows: > 0 } ? standIn : null;
            (_hidden, _weight, _bias, _statistics, _precision) = (hidden, weight, bias, statistics, PrecisionFor(weight));
            _rows = [.. Enumerable.Range(0, labels.Length).Where(i => labels[i] != IgnoredLabel)];
            _labels = Array.ConvertAll(_rows, row => labels[row]);
            _factors = Array.ConvertAll(_rows, row => factors[row]);
            HiddenGradient = Tape.Wants(hidden) ? Tensor.Create(hidden.Shape, hidden.Backend) : null;
            WeightGradient = Tape.Wants(weight) ? new EarlyGradient(weight) : null;
            BiasGradient = Tape.Wants(bias) ? new EarlyGradient(bias!) : null;
            StandInGradient = Tape.Wants(standIn?.Values) ? new EarlyGradient(standIn!.Values) : null;
        }

        public Tensor? HiddenGradient { get; }

        public EarlyGradient? WeightGradient { get; }

        public EarlyGradient? BiasGradient { get; }

        public EarlyGradient? StandInGradient { get; }

        /// <summary>Rows that are learned from.</summary>
        public int TargetRows => _rows.Length;

        /// <summary>All rows are learned from, so that chunks are parts of the hidden states rather than gathered copies.</summary>
        private bool IsWhole => _rows.Length == _hidden.Rows;

        public double Run()
        {
            Backend backend = _hidden.Backend;
            if (HiddenGradient is not null && !IsWhole)
            {
                backend.Fill(HiddenGradient, 0f);
            }

            if (_rows.Length == 0)
            {
                WeightGradient?.Clear();
                BiasGradient?.Clear();
                StandInGradient?.Clear();
                return 0;
            }

            int chunk = Math.Min(ChunkRows, _rows.Length);
            int stride = PaddedStride(_weight.Shape[0]);
            Storage logits = backend.Rent((long)chunk * stride * sizeof(float));
            Storage copies = backend.Rent(2L * chunk * _hidden.Columns * sizeof(float));
            Storage? unlimited = _limit > 0f ? backend.Rent((long)chunk * stride * sizeof(float)) : null;
            try
            {
                double loss = 0;
                for (int start = 0; start < _rows.Length; start += ChunkRows)
                {
                    int count = Math.Min(ChunkRows, _rows.Length - start);
                    loss += RunChunk(start, LogitsIn(logits, count, stride), unlimited is null ? null : LogitsIn(unlimited, count, stride), copies);
                }

                return loss;
            }
            finally
            {
                logits.Free();
                copies.Free();
                unlimited?.Free();
            }
        }

        private Tensor LogitsIn(Storage memory, int rows, int stride) => new(memory, [rows, _weight.Shape[0]], DType.F32, 0, stride);

        private double RunChunk(int start, Tensor logits, Tensor? unlimited, Storage copies)
        {
            Backend backend = _hidden.Backend;
            int count = logits.Rows;
            ReadOnlySpan<int> rows = _rows.AsSpan(start, count);
            Tensor h = IsWhole ? _hidden.RowRange(start, count) : new Tensor(copies, [count, _hidden.Columns]);
            if (!IsWhole)
            {
                backend.GatherRows(_hidden, rows, h);
            }

            backend.MatMul(h, false, _weight, true, _bias, logits, add: false, _precision);
            foreach ((Tensor values, int id) in _standIn?.Runs() ?? [])
            {
                backend.MatMul(h, false, values, true, _bias?.ColumnRange(id, values.Rows), logits.ColumnRange(id, values.Rows), add: false, _precision);
            }

            if (unlimited is not null)
            {
                // With u = logit / c kept: c·tanh(u), whose derivative with respect to the logit is tanh′(u).
                backend.Scale(logits, 1f / _limit, unlimited, add: false);
                backend.ActivateForward(unlimited, Activation.Tanh, logits);
                backend.Scale(logits, _limit, logits, add: false);
            }

            bool differentiate = HiddenGradient is not null || WeightGradient is not null || BiasGradient is not null || StandInGradient is not null;
            float[] losses = new float[count];
            bool[] correct = new bool[count];
            ReadOnlySpan<float> factors = _factors.AsSpan(start, count);
            backend.CrossEntropyRows(logits, _labels.AsSpan(start, count), factors, 0f, differentiate ? logits : null, losses, correct);
            for (int i = 0; _statistics is not null && i < count; i++)
            {
                _statistics.Add(losses[i], correct[i]);
            }

            // From here on the logits' memory holds their gradient.
            if (unlimited is not null && differentiate)
            {
                backend.ActivateBackward(unlimited, Activation.Tanh, logits, logits, add: false);
            }

            if (BiasGradient is not null)
            {
                backend.SumRows(logits, BiasGradient.Buffer, add: start > 0);
            }

            Tensor? dh = HiddenGradient is null ? null : IsWhole ? HiddenGradient.RowRange(start, count) : new Tensor(copies, h.Shape, DType.F32, h.Count);
            if (differentiate)
            {
                PassThroughStandIn(logits, h, dh, add: start > 0);
            }

            if (dh is not null)
            {
                backend.MatMul(logits, false, _weight, false, null, dh, add: _standIn is not null, _precision);
            }

            if (dh is not null && !IsWhole)
            {
                backend.ScatterAddRows(dh, rows, HiddenGradient!);
            }

            if (WeightGradient is not null)
            {
                backend.MatMul(logits, true, h, false, null, WeightGradient.Buffer, add: start > 0, _precision);
            }

            return WeightedSum(losses, factors);
        }

        // Takes the gradient of the logits that rows of their own have given, and leaves zeros for the rows they stand in for.
        private void PassThroughStandIn(Tensor gradient, Tensor h, Tensor? dh, bool add)
        {
            Backend backend = _hidden.Backend;
            int place = 0;
            foreach ((Tensor values, int id) in _standIn?.Runs() ?? [])
            {
                Tensor own = gradient.ColumnRange(id, values.Rows);
                if (StandInGradient is not null)
                {
                    backend.MatMul(own, true, h, false, null, StandInGradient.Buffer.RowRange(place, values.Rows), add, _precision);
                }

                if (dh is not null)
                {
                    backend.MatMul(own, false, values, false, null, dh, add: place > 0, _precision);
                }

                backend.Fill(own, 0f);
                place += values.Rows;
            }
        }

        /// <summary>Rows of logits begin on a cache line, and their distance is no multiple of 2 KiB, which would make them compete for the cache.</summary>
        private static int PaddedStride(int columns)
        {
            int padded = (columns + 15) / 16 * 16;
            return padded % 512 == 0 ? padded + 16 : padded;
        }
    }

    private sealed class LinearCrossEntropyBackward : Backward
    {
        private readonly Tensor _hidden;
        private readonly Tensor _weight;
        private readonly Tensor? _bias;
        private readonly HeadPass _pass;

        public LinearCrossEntropyBackward(Tensor hidden, Tensor weight, Tensor? bias, StandInRows? standIn, HeadPass pass)
            : base(hidden, weight, bias, standIn?.Values)
        {
            (_hidden, _weight, _bias, _pass) = (hidden, weight, bias, pass);
            foreach (Tensor? gradient in (ReadOnlySpan<Tensor?>)[pass.HiddenGradient, pass.WeightGradient?.Buffer, pass.BiasGradient?.Buffer, pass.StandInGradient?.Buffer])
            {
                if (gradient is not null)
                {
                    Hold(gradient);
                }
            }
        }

        public override long FlopsFor(Tensor input) => input == _bias ? (long)_pass.TargetRows * _bias.Columns : 2L * _pass.TargetRows * (input == _hidden ? _weight.Count : input.Count);

        protected override void Run(Tensor dy)
        {
            if (_pass.HiddenGradient is { } gradient)
            {
                dy.Backend.AddScaled(gradient, dy, gradient, add: false);
                PassGrad(_hidden, gradient);
            }

            _pass.WeightGradient?.HandOver(dy, GradOf);
            _pass.BiasGradient?.HandOver(dy, GradOf);
            _pass.StandInGradient?.HandOver(dy, GradOf);
        }
    }
}
