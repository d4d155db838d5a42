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
            for (; c <= _columns - V.Count; c += V.Count)
            {
                V n = (V.Load(xs + c) - means) * inverses;
                n = _gain == null ? n : n * V.Load(_gain + c);
                (_bias == null ? n : n + V.Load(_bias + c)).Store(ys + c);
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
                int done = Weights<V>(xs, dys, center, r, gainSums, biasSums, 0);
                Weights<Simd1>(xs, dys, center, r, gainSums, biasSums, done);
                if (_dx != null)
                {
                    Input<V>(xs, dys, center, r, _dx + (row * _dxStride));
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private int Weights<V>(float* xs, float* dys, float mean, float r, float* gains, float* biases, int c)
            where V : unmanaged, ISimd<V>
        {
            V means = V.All(mean);
            V rs = V.All(r);
            for (; (gains != null || biases != null) && c <= _columns - V.Count; c += V.Count)
            {
                V g = V.Load(dys + c);
                if (gains != null)
                {
                    V.Fma(g, (V.Load(xs + c) - means) * rs, V.Load(gains + c)).Store(gains + c);
                }

                if (biases != null)
                {
                    (V.Load(biases + c) + g).Store(biases + c);
                }
            }

            return c;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private void Input<V>(float* xs, float* dys, float mean, float r, float* dxs)
            where V : unmanaged, ISimd<V>
        {
            V sums = V.Zero;
            V products = V.Zero;
            int whole = SumQ(xs, dys, mean, r, ref sums, ref products, 0);
            Simd1 sumsOfRest = Simd1.Zero;
            Simd1 productsOfRest = Simd1.Zero;
            SumQ(xs, dys, mean, r, ref sumsOfRest, ref productsOfRest, whole);
            float meanQ = (V.Sum(sums) + Simd1.Sum(sumsOfRest)) / _columns;
            float meanQN = (V.Sum(products) + Simd1.Sum(productsOfRest)) / _columns;
            int done = Combine<V>(xs, dys, mean, r, meanQ, meanQN, dxs, 0);
            Combine<Simd1>(xs, dys, mean, r, meanQ, meanQN, dxs, done);
        }

        // Σ q and Σ q·n from column c on, lane by lane.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private int SumQ<V>(float* xs, float* dys, float mean, float r, ref V sums, ref V products, int c)
            where V : unmanaged, ISimd<V>
        {
            V means = V.All(mean);
            V rs = V.All(r);
            (V sum, V product) = (sums, products);
            for (; c <= _columns - V.Count; c += V.Count)
            {
                V q = _gain == null ? V.Load(dys + c) : V.Load(_gain + c) * V.Load(dys + c);
                sum += q;
                product = V.Fma(q, (V.Load(xs + c) - means) * rs, product);
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
            for (; c <= _columns - V.Count; c += V.Count)
            {
                V q = _gain == null ? V.Load(dys + c) : V.Load(_gain + c) * V.Load(dys + c);
                V n = (V.Load(xs + c) - means) * rs;
                V d = rs * (q - meansQ - (n * meansQN));
                (_add ? V.Load(dxs + c) + d : d).Store(dxs + c);
            }

            return c;
        }
    }
}
