using System.Runtime.CompilerServices;
using Hieno.Tensors.Cpu.Simd;

namespace Hieno.Tensors.Cpu;

/// <summary>Kernels of batch normalisation: sums over rows in fixed chunks, channels in the lanes.</summary>
public sealed unsafe partial class CpuBackend
{
    private const int BatchNormRowsPerTask = 256; // fixed, so that the sums never depend on the thread count

    /// <inheritdoc/>
    public override void BatchNormForward(Tensor x, Tensor? gain, Tensor? bias, float eps, Tensor y, Tensor mean, Tensor inverse)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(mean);
        ArgumentNullException.ThrowIfNull(inverse);
        int chunks = (x.Rows + BatchNormRowsPerTask - 1) / BatchNormRowsPerTask;
        using Scratch partials = RentScratch((long)chunks * x.Columns);
        float* means = (float*)mean.Pointer;
        float* inverses = (float*)inverse.Pointer;

        // The variance in a pass of its own: mean(x²) − mean² would cancel where the mean is large.
        For(x.Rows, BatchNormRowsPerTask, new ChannelSumsKernel(x, null, partials.Pointer));
        SumPartials(partials.Pointer, chunks, x.Columns, means, add: false);
        for (int c = 0; c < x.Columns; c++)
        {
            means[c] /= x.Rows;
        }

        For(x.Rows, BatchNormRowsPerTask, new ChannelSumsKernel(x, means, partials.Pointer));
        SumPartials(partials.Pointer, chunks, x.Columns, inverses, add: false);
        for (int c = 0; c < x.Columns; c++)
        {
            inverses[c] = 1f / MathF.Sqrt((inverses[c] / x.Rows) + eps);
        }

        NormalizeChannels(x, gain, bias, mean, inverse, y);
    }

    /// <inheritdoc/>
    public override void NormalizeChannels(Tensor x, Tensor? gain, Tensor? bias, Tensor mean, Tensor inverse, Tensor y)
    {
        ArgumentNullException.ThrowIfNull(x);
        using Scratch line = RentScratch(2L * x.Columns);
        float* means = (float*)mean.Pointer;
        float* inverses = (float*)inverse.Pointer;
        float* gains = gain is null ? null : (float*)gain.Pointer;
        float* biases = bias is null ? null : (float*)bias.Pointer;
        float* slopes = line.Pointer;
        float* offsets = line.Pointer + x.Columns;
        for (int c = 0; c < x.Columns; c++)
        {
            slopes[c] = inverses[c] * (gains == null ? 1f : gains[c]);
            offsets[c] = (biases == null ? 0f : biases[c]) - (means[c] * slopes[c]);
        }

        For(x.Rows, BatchNormRowsPerTask, new ChannelLineKernel(x, slopes, null, null, offsets, y, add: false));
        KeepAlive(x, gain, bias, mean, inverse, y);
    }

    /// <inheritdoc/>
    public override void BatchNormBackward(
        Tensor x,
        Tensor? gain,
        Tensor mean,
        Tensor inverse,
        bool fixedStatistics,
        Tensor dy,
        Tensor? dx,
        bool addToX,
        Tensor? dgain,
        bool addToGain,
        Tensor? dbias,
        bool addToBias)
    {
        ArgumentNullException.ThrowIfNull(dy);
        int columns = dy.Columns;
        int chunks = (dy.Rows + BatchNormRowsPerTask - 1) / BatchNormRowsPerTask;
        float* means = (float*)mean.Pointer;
        float* inverses = (float*)inverse.Pointer;
        bool needsProducts = dgain is not null || (dx is not null && !fixedStatistics);
        using Scratch partials = RentScratch((long)chunks * columns);
        using Scratch sums = RentScratch(5L * columns);
        float* gradients = sums.Pointer;
        float* products = sums.Pointer + columns;
        For(dy.Rows, BatchNormRowsPerTask, new ChannelSumsKernel(dy, null, partials.Pointer));
        SumPartials(partials.Pointer, chunks, columns, gradients, add: false);
        if (needsProducts)
        {
            For(dy.Rows, BatchNormRowsPerTask, new ChannelProductsKernel(x, means, inverses, dy, partials.Pointer));
            SumPartials(partials.Pointer, chunks, columns, products, add: false);
        }

        AddChannels(products, dgain, addToGain);
        AddChannels(gradients, dbias, addToBias);
        if (dx is not null)
        {
            // dx = a·dy + b·x + d with numbers a, b and d of each channel.
            float* a = sums.Pointer + (2L * columns);
            float* b = sums.Pointer + (3L * columns);
            float* d = sums.Pointer + (4L * columns);
            float* gains = gain is null ? null : (float*)gain.Pointer;
            for (int c = 0; c < columns; c++)
            {
                a[c] = inverses[c] * (gains == null ? 1f : gains[c]);
                b[c] = fixedStatistics ? 0f : -a[c] * inverses[c] * products[c] / dy.Rows;
                d[c] = fixedStatistics ? 0f : (-a[c] * gradients[c] / dy.Rows) - (b[c] * means[c]);
            }

            For(dy.Rows, BatchNormRowsPerTask, new ChannelLineKernel(dy, a, fixedStatistics ? null : x, b, d, dx, addToX));
        }

        KeepAlive(x, gain, mean, inverse, dy, dx, dgain, dbias);
    }

    private static void AddChannels(float* sums, Tensor? destination, bool add)
    {
        for (int c = 0; c < (destination?.Columns ?? 0); c++)
        {
            float* to = (float*)destination!.Pointer + c;
            *to = add ? *to + sums[c] : sums[c];
        }
    }

    /// <summary>Each chunk of rows writes Σ x, or Σ (x − mean)² where means are given.</summary>
    private readonly struct ChannelSumsKernel(Tensor x, float* means, float* partials) : IKernel
    {
        private readonly float* _x = (float*)x.Pointer;
        private readonly long _stride = x.RowStride;
        private readonly int _columns = x.Columns;
        private readonly float* _means = means;
        private readonly float* _partials = partials;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<V>(int chunk, long start, long end)
            where V : unmanaged, ISimd<V>
        {
            float* sums = _partials + ((long)chunk * _columns);
            int done = Columns<V>(sums, start, end, 0);
            Columns<Simd1>(sums, start, end, done);
        }

        // A vector of channels at a time, down the rows, with its sum in a register.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private int Columns<V>(float* sums, long start, long end, int c)
            where V : unmanaged, ISimd<V>
        {
            for (; c <= _columns - V.Count; c += V.Count)
            {
                V sum = V.Zero;
                V mean = _means == null ? V.Zero : V.Load(_means + c);
                for (long row = start; row < end; row++)
                {
                    V value = V.Load(_x + (row * _stride) + c);
                    V difference = value - mean;
                    sum = _means == null ? sum + value : V.Fma(difference, difference, sum);
                }

                sum.Store(sums + c);
            }

            return c;
        }
    }

    /// <summary>Each chunk of rows writes Σ dy · (x − mean) · inverse.</summary>
    private readonly struct ChannelProductsKernel(Tensor x, float* means, float* inverses, Tensor dy, float* partials) : IKernel
    {
        private readonly float* _x = (float*)x.Pointer;
        private readonly long _xStride = x.RowStride;
        private readonly float* _means = means;
        private readonly float* _inverses = inverses;
        private readonly float* _dy = (float*)dy.Pointer;
        private readonly long _dyStride = dy.RowStride;
        private readonly int _columns = x.Columns;
        private readonly float* _partials = partials;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<V>(int chunk, long start, long end)
            where V : unmanaged, ISimd<V>
        {
            float* sums = _partials + ((long)chunk * _columns);
            int done = Columns<V>(sums, start, end, 0);
            Columns<Simd1>(sums, start, end, done);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private int Columns<V>(float* sums, long start, long end, int c)
            where V : unmanaged, ISimd<V>
        {
            for (; c <= _columns - V.Count; c += V.Count)
            {
                V sum = V.Zero;
                V mean = V.Load(_means + c);
                for (long row = start; row < end; row++)
                {
                    sum = V.Fma(V.Load(_dy + (row * _dyStride) + c), V.Load(_x + (row * _xStride) + c) - mean, sum);
                }

                (sum * V.Load(_inverses + c)).Store(sums + c);
            }

            return c;
        }
    }

    /// <summary>y (+)= a·x (+ b·z) + d, with numbers a, b and d of each channel.</summary>
    private readonly struct ChannelLineKernel(Tensor x, float* a, Tensor? z, float* b, float* d, Tensor y, bool add) : IKernel
    {
        private readonly float* _x = (float*)x.Pointer;
        private readonly long _xStride = x.RowStride;
        private readonly float* _a = a;
        private readonly float* _z = z is null ? null : (float*)z.Pointer;
        private readonly long _zStride = z?.RowStride ?? 0;
        private readonly float* _b = b;
        private readonly float* _d = d;
        private readonly float* _y = (float*)y.Pointer;
        private readonly long _yStride = y.RowStride;
        private readonly int _columns = x.Columns;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<V>(int chunk, long start, long end)
            where V : unmanaged, ISimd<V>
        {
            for (long row = start; row < end; row++)
            {
                int done = Row<V>(row, 0);
                Row<Simd1>(row, done);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private int Row<V>(long row, int c)
            where V : unmanaged, ISimd<V>
        {
            float* xs = _x + (row * _xStride);
            float* ys = _y + (row * _yStride);
            float* zs = _z == null ? null : _z + (row * _zStride);
            for (; c <= _columns - V.Count; c += V.Count)
            {
                V value = V.Fma(V.Load(_a + c), V.Load(xs + c), V.Load(_d + c));
                value = zs == null ? value : V.Fma(V.Load(_b + c), V.Load(zs + c), value);
                (add ? V.Load(ys + c) + value : value).Store(ys + c);
            }

            return c;
        }
    }
}
