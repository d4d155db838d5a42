using System.Runtime.CompilerServices;
using Hieno.Tensors.Cpu.Simd;

namespace Hieno.Tensors.Cpu;

/// <summary>Kernels of layer normalisation.</summary>
public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void LayerNormForward(Tensor x, Tensor? gain, Tensor? bias, float eps, Tensor y, Tensor mean, Tensor inverse)
    {
        ArgumentNullException.ThrowIfNull(x);
        For(x.Rows, NormRowsPerTask, new LayerNormForwardKernel(x, gain, bias, eps, y, mean, inverse));
        KeepAlive(x, gain, bias, y, mean, inverse);
    }

    /// <inheritdoc/>
    public override void LayerNormBackward(
        Tensor x,
        Tensor? gain,
        Tensor mean,
        Tensor inverse,
        Tensor dy,
        Tensor? dx,
        bool addToX,
        Tensor? dgain,
        bool addToGain,
        Tensor? dbias,
        bool addToBias)
    {
        ArgumentNullException.ThrowIfNull(x);
        int chunks = (x.Rows + NormRowsPerTask - 1) / NormRowsPerTask;
        using Scratch gains = RentScratch(dgain is null ? 0 : (long)chunks * x.Columns);
        using Scratch biases = RentScratch(dbias is null ? 0 : (long)chunks * x.Columns);
        For(x.Rows, NormRowsPerTask, new LayerNormBackwardKernel(x, gain, mean, inverse, dy, dx, addToX, gains.Pointer, biases.Pointer));
        if (dgain is not null)
        {
            SumPartials(gains.Pointer, chunks, x.Columns, (float*)dgain.Pointer, addToGain);
        }

        if (dbias is not null)
        {
            SumPartials(biases.Pointer, chunks, x.Columns, (float*)dbias.Pointer, addToBias);
        }
        KeepAlive(x, gain, mean, inverse, dy, dx, dgain, dbias);
    }

    private readonly struct LayerNormForwardKernel(Tensor x, Tensor? gain, Tensor? bias, float eps, Tensor y, Tensor mean, Tensor inverse)
        : IKernel
    {
        private readonly float* _x = (float*)x.Pointer;
        private readonly long _xStride = x.RowStride;
        private readonly float* _gain = gain is null ? null : (float*)gain.Pointer;
        private readonly float* _bias = bias is null ? null : (float*)bias.Pointer;
        private readonly float* _y = (float*)y.Pointer;
        private readonly float* _mean = (float*)mean.Pointer;
        private readonly float* _inverse = (float*)inverse.Pointer;
        private readonly int _columns = x.Columns;
        private readonly float _eps = eps;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<V>(int chunk, long start, long end)
            where V : unmanaged, ISimd<V>
        {
            int columns = _columns;
            int whole = columns - (columns % V.Count);
            for (long row = start; row < end; row++)
            {
                float* xs = _x + (row * _xStride);
                float center = RowSum<V>(xs, columns) / columns;

                // The variance in a pass of its own: mean(x²) − mean² would cancel where the mean is large.
                V means = V.All(center);
                V squares = V.Zero;
                for (int c = 0; c < whole; c += V.Count)
                {
                    V d = V.Load(xs + c) - means;
                    squares = V.Fma(d, d, squares);
                }

                float sum = V.Sum(squares);
                for (int c = whole; c < columns; c++)
                {
                    sum += (xs[c] - center) * (xs[c] - center);
                }

                float scale = 1f / MathF.Sqrt((sum / columns) + _eps);
                (_mean[row], _inverse[row]) = (center, scale);
                int done = ScaleRow<V>(xs, center, scale, _y + (row * columns), 0);
                ScaleRow<Simd1>(xs, center, scale, _y + (row * columns), done);
            }
        }

        // y = g·(x − mean)·inverse + b from column c on, as far as whole vectors reach.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private int ScaleRow<V>(float* xs, float mean, float inverse, float* ys, int c)
            where V : unmanaged, ISimd<V>
        {
            V means = V.All(mean);
            V inverses = V.All(inverse);

            // In locals, because the compiler must otherwise assume that a store to y changes the fields.
            float* gains = _gain;
            float* biases = _bias;
            int columns = _columns;
            for (; c <= columns - V.Count; c += V.Count)
            {
                V n = (V.Load(xs + c) - means) * inverses;
                n = gains == null ? n : n * V.Load(gains + c);
                (biases == null ? n : n + V.Load(biases + c)).Store(ys + c);
            }

            return c;
        }
    }

    private readonly struct LayerNormBackwardKernel(
        Tensor x, Tensor? gain, Tensor mean, Tensor inverse, Tensor dy, Tensor? dx, bool addToX, float* gains, float* biases) : IKernel
    {
        private readonly float* _x = (float*)x.Pointer;
        private readonly long _xStride = x.RowStride;
        private readonly float* _gain = gain is null ? null : (float*)gain.Pointer;
        private readonly float* _mean = (float*)mean.Pointer;
        private readonly float* _inverse = (float*)inverse.Pointer;
        private readonly float* _dy = (float*)dy.Pointer;
        private readonly long _dyStride = dy.RowStride;
        private readonly float* _dx = dx is null ? null : (float*)dx.Pointer;
        private readonly long _dxStride = dx?.RowStride ?? 0;
        private readonly bool _add = addToX;
        private readonly float* _gains = gains;
        private readonly float* _biases = biases;
        private readonly int _columns = x.Columns;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<V>(int chunk, long start, long end)
            where V : unmanaged, ISimd<V>
        {
            float* gainSums = _gains == null ? null : _gains + ((long)chunk * _columns);
            float* biasSums = _biases == null ? null : _biases + ((long)chunk * _columns);
            if (gainSums != null)
            {
                new Span<float>(gainSums, _columns).Clear();
            }

            if (biasSums != null)
            {
                new Span<float>(biasSums, _columns).Clear();
            }

            for (long row = start; row < end; row++)
            {
                float* xs = _x + (row * _xStride);
                float* dys = _dy + (row * _dyStride);
                (float center, float r) = (_mean[row], _inverse[row]);
                Row<V>(xs, dys, center, r, gainSums, biasSums, _dx == null ? null : _dx + (row * _dxStride));
            }
        }

        // Two passes over the row: the second reads what the first brought into the first-level cache.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private void Row<V>(float* xs, float* dys, float mean, float r, float* gainSums, float* biasSums, float* dxs)
            where V : unmanaged, ISimd<V>
        {
            V sums = V.Zero;
            V products = V.Zero;
            int whole = AddUp(xs, dys, mean, r, gainSums, biasSums, ref sums, ref products, 0);
            Simd1 sumsOfRest = Simd1.Zero;
            Simd1 productsOfRest = Simd1.Zero;
            AddUp(xs, dys, mean, r, gainSums, biasSums, ref sumsOfRest, ref productsOfRest, whole);
            if (dxs != null)
            {
                float meanQ = (V.Sum(sums) + Simd1.Sum(sumsOfRest)) / _columns;
                float meanQN = (V.Sum(products) + Simd1.Sum(productsOfRest)) / _columns;
                int done = Combine<V>(xs, dys, mean, r, meanQ, meanQN, dxs, 0);
                Combine<Simd1>(xs, dys, mean, r, meanQ, meanQN, dxs, done);
            }
        }

        // From column c on: the gain's gradient += dy·n, the bias's += dy, and Σ q and Σ q·n, lane by lane.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private int AddUp<V>(float* xs, float* dys, float mean, float r, float* gainSums, float* biasSums, ref V sums, ref V products, int c)
            where V : unmanaged, ISimd<V>
        {
            V means = V.All(mean);
            V rs = V.All(r);
            (V sum, V product) = (sums, products);
            float* weights = _gain;
            int columns = _columns;
            for (; c <= columns - V.Count; c += V.Count)
            {
                V g = V.Load(dys + c);
                V n = (V.Load(xs + c) - means) * rs;
                if (gainSums != null)
                {
                    V.Fma(g, n, V.Load(gainSums + c)).Store(gainSums + c);
                }

                if (biasSums != null)
                {
                    (V.Load(biasSums + c) + g).Store(biasSums + c);
                }

                V q = weights == null ? g : V.Load(weights + c) * g;
                sum += q;
                product = V.Fma(q, n, product);
            }

            (sums, products) = (sum, product);
            return c;
        }

        // dx (+)= r·(q − mean(q) − n·mean(q·n)).
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private int Combine<V>(float* xs, float* dys, float mean, float r, float meanQ, float meanQN, float* dxs, int c)
            where V : unmanaged, ISimd<V>
        {
            V means = V.All(mean);
            V rs = V.All(r);
            V meansQ = V.All(meanQ);
            V meansQN = V.All(meanQN);
            float* weights = _gain;
            (int columns, bool add) = (_columns, _add);
            for (; c <= columns - V.Count; c += V.Count)
            {
                V q = weights == null ? V.Load(dys + c) : V.Load(weights + c) * V.Load(dys + c);
                V n = (V.Load(xs + c) - means) * rs;
                V d = rs * (q - meansQ - (n * meansQN));
                (add ? V.Load(dxs + c) + d : d).Store(dxs + c);
            }

            return c;
        }
    }
}
