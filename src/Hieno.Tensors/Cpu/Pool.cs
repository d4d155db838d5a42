using System.Runtime.CompilerServices;
using Hieno.Tensors.Cpu.Simd;

namespace Hieno.Tensors.Cpu;

/// <summary>Kernels of pooling: one item a pixel, the channels in the lanes. Gradients are collected by the pixel they belong to.</summary>
public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void MaxPoolForward(Tensor x, PoolSide vertical, PoolSide horizontal, Tensor y, Tensor chosen)
    {
        ArgumentNullException.ThrowIfNull(y);
        For(y.Rows, PixelsPerTask(y), new MaxPoolForwardKernel(x, vertical, horizontal, y, chosen));
        KeepAlive(x, y, chosen);
    }

    /// <inheritdoc/>
    public override void MaxPoolBackward(Tensor dy, Tensor chosen, PoolSide vertical, PoolSide horizontal, Tensor dx, bool add)
    {
        ArgumentNullException.ThrowIfNull(dx);
        For(dx.Rows, PixelsPerTask(dx), new MaxPoolBackwardKernel(dy, chosen, vertical, horizontal, dx, add));
        KeepAlive(dy, chosen, dx);
    }

    /// <inheritdoc/>
    public override void AveragePoolForward(Tensor x, PoolSide vertical, PoolSide horizontal, int divisor, Tensor y)
    {
        ArgumentNullException.ThrowIfNull(y);
        For(y.Rows, PixelsPerTask(y), new AveragePoolForwardKernel(x, vertical, horizontal, divisor, y));
        KeepAlive(x, y);
    }

    /// <inheritdoc/>
    public override void AveragePoolBackward(Tensor dy, PoolSide vertical, PoolSide horizontal, int divisor, Tensor dx, bool add)
    {
        ArgumentNullException.ThrowIfNull(dx);
        For(dx.Rows, PixelsPerTask(dx), new AveragePoolBackwardKernel(dy, vertical, horizontal, divisor, dx, add));
        KeepAlive(dy, dx);
    }

    private static int PixelsPerTask(Tensor pictures) => Math.Max(1, ElementsPerTask / (8 * Math.Max(1, pictures.Columns)));

    /// <summary>Where a pixel lies that is counted through all pictures of so many rows and columns.</summary>
    private static (int Image, int Row, int Column) PixelAt(long index, int rows, int columns)
    {
        (long line, long column) = Math.DivRem(index, columns);
        (long image, long row) = Math.DivRem(line, rows);
        return ((int)image, (int)row, (int)column);
    }

    /// <summary>Item i is a pixel of y.</summary>
    private readonly struct MaxPoolForwardKernel(Tensor x, PoolSide vertical, PoolSide horizontal, Tensor y, Tensor chosen) : IKernel
    {
        private readonly float* _x = (float*)x.Pointer;
        private readonly long _stride = x.RowStride;
        private readonly float* _y = (float*)y.Pointer;
        private readonly float* _chosen = (float*)chosen.Pointer;
        private readonly int _channels = x.Columns;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<V>(int chunk, long start, long end)
            where V : unmanaged, ISimd<V>
        {
            for (long item = start; item < end; item++)
            {
                (int image, int down, int across) = PixelAt(item, vertical.Places, horizontal.Places);
                float* picture = _x + ((long)image * vertical.Length * horizontal.Length * _stride);
                int done = Channels<V>(picture, down, across, item * _channels, 0);
                Channels<Simd1>(picture, down, across, item * _channels, done);
            }
        }

        // A vector of channels at a time through the whole window, with the largest numbers and where they lie in registers.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private int Channels<V>(float* picture, int down, int across, long place, int c)
            where V : unmanaged, ISimd<V>
        {
            for (; c <= _channels - V.Count; c += V.Count)
            {
                V largest = V.All(float.NegativeInfinity);
                V from = V.All((vertical.First[down] * horizontal.Length) + horizontal.First[across]);
                V watch = V.Zero;
                for (int u = 0; u < vertical.Count[down]; u++)
                {
                    int line = (vertical.First[down] + (u * vertical.Dilation)) * horizontal.Length;
                    for (int v = 0; v < horizontal.Count[across]; v++)
                    {
                        int pixel = line + horizontal.First[across] + (v * horizontal.Dilation);
                        V value = V.Load(picture + (pixel * _stride) + c);
                        from = V.SelectLess(largest, value, V.All(pixel), from);
                        largest = V.SelectLess(largest, value, value, largest);
                        watch += value * V.Zero;
                    }
                }

                largest.Store(_y + place + c);
                from.Store(_chosen + place + c);
                if (float.IsNaN(V.Sum(watch)))
                {
                    FindNaN(picture, down, across, place, c, c + V.Count); // or an infinity, which changes nothing
                }
            }

            return c;
        }

        // The first NaN of a window is its result.
        private void FindNaN(float* picture, int down, int across, long place, int c, int end)
        {
            for (; c < end; c++)
            {
                for (int u = 0; u < vertical.Count[down] && !float.IsNaN(_y[place + c]); u++)
                {
                    int line = (vertical.First[down] + (u * vertical.Dilation)) * horizontal.Length;
                    for (int v = 0; v < horizontal.Count[across] && !float.IsNaN(_y[place + c]); v++)
                    {
                        int pixel = line + horizontal.First[across] + (v * horizontal.Dilation);
                        float value = picture[(pixel * _stride) + c];
                        (_y[place + c], _chosen[place + c]) = float.IsNaN(value) ? (value, pixel) : (_y[place + c], _chosen[place + c]);
                    }
                }
            }
        }
    }

    /// <summary>Item i is a pixel of dx.</summary>
    private readonly struct MaxPoolBackwardKernel(Tensor dy, Tensor chosen, PoolSide vertical, PoolSide horizontal, Tensor dx, bool add) : IKernel
    {
        private readonly float* _dy = (float*)dy.Pointer;
        private readonly long _dyStride = dy.RowStride;
        private readonly float* _chosen = (float*)chosen.Pointer;
        private readonly float* _dx = (float*)dx.Pointer;
        private readonly long _dxStride = dx.RowStride;
        private readonly int _channels = dx.Columns;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<V>(int chunk, long start, long end)
            where V : unmanaged, ISimd<V>
        {
            for (long item = start; item < end; item++)
            {
                (int image, int row, int column) = PixelAt(item, vertical.Length, horizontal.Length);
                int pixel = (row * horizontal.Length) + column;
                float* to = _dx + (item * _dxStride);
                if (!add)
                {
                    new Span<float>(to, _channels).Clear();
                }

                (int firstDown, int endDown) = vertical.PlacesNear(row);
                (int firstAcross, int endAcross) = horizontal.PlacesNear(column);
                for (int down = firstDown; down < endDown; down++)
                {
                    for (int across = firstAcross; across < endAcross; across++)
                    {
                        long place = ((((long)image * vertical.Places) + down) * horizontal.Places) + across;
                        float* gradients = _dy + (place * _dyStride);
                        float* from = _chosen + (place * _channels);
                        int done = Collect<V>(from, pixel, gradients, to, 0);
                        Collect<Simd1>(from, pixel, gradients, to, done);
                    }
                }
            }
        }

        // Adds the gradients of those channels whose number came from the pixel.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private int Collect<V>(float* from, int pixel, float* gradients, float* to, int c)
            where V : unmanaged, ISimd<V>
        {
            V pixels = V.All(pixel);
            V half = V.All(0.5f);
            for (; c <= _channels - V.Count; c += V.Count)
            {
                V share = V.SelectLess(V.Abs(V.Load(from + c) - pixels), half, V.Load(gradients + c), V.Zero);
                (V.Load(to + c) + share).Store(to + c);
            }

            return c;
        }
    }

    /// <summary>Item i is a pixel of y.</summary>
    private readonly struct AveragePoolForwardKernel(Tensor x, PoolSide vertical, PoolSide horizontal, int divisor, Tensor y) : IKernel
    {
        private readonly float* _x = (float*)x.Pointer;
        private readonly long _stride = x.RowStride;
        private readonly float* _y = (float*)y.Pointer;
        private readonly int _channels = x.Columns;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<V>(int chunk, long start, long end)
            where V : unmanaged, ISimd<V>
        {
            for (long item = start; item < end; item++)
            {
                (int image, int down, int across) = PixelAt(item, vertical.Places, horizontal.Places);
                float* to = _y + (item * _channels);
                new Span<float>(to, _channels).Clear();
                for (int row = vertical.First[down]; row < vertical.First[down] + vertical.Count[down]; row++)
                {
                    long first = ((((long)image * vertical.Length) + row) * horizontal.Length) + horizontal.First[across];
                    for (int v = 0; v < horizontal.Count[across]; v++)
                    {
                        AddChannels<V>(_x + ((first + v) * _stride), to, _channels);
                    }
                }

                float share = 1f / (divisor > 0 ? divisor : vertical.Divisor[down] * horizontal.Divisor[across]);
                for (int c = 0; c < _channels; c++)
                {
                    to[c] *= share;
                }
            }
        }
    }

    /// <summary>Item i is a pixel of dx.</summary>
    private readonly struct AveragePoolBackwardKernel(Tensor dy, PoolSide vertical, PoolSide horizontal, int divisor, Tensor dx, bool add) : IKernel
    {
        private readonly float* _dy = (float*)dy.Pointer;
        private readonly long _dyStride = dy.RowStride;
        private readonly float* _dx = (float*)dx.Pointer;
        private readonly long _dxStride = dx.RowStride;
        private readonly int _channels = dx.Columns;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<V>(int chunk, long start, long end)
            where V : unmanaged, ISimd<V>
        {
            for (long item = start; item < end; item++)
            {
                (int image, int row, int column) = PixelAt(item, vertical.Length, horizontal.Length);
                float* to = _dx + (item * _dxStride);
                if (!add)
                {
                    new Span<float>(to, _channels).Clear();
                }

                (int firstDown, int endDown) = vertical.PlacesNear(row);
                (int firstAcross, int endAcross) = horizontal.PlacesNear(column);
                for (int down = firstDown; down < endDown; down++)
                {
                    for (int across = firstAcross; across < endAcross; across++)
                    {
                        float share = 1f / (divisor > 0 ? divisor : vertical.Divisor[down] * horizontal.Divisor[across]);
                        float* gradients = _dy + (((((long)image * vertical.Places) + down) * horizontal.Places) + across) * _dyStride;
                        AddScaledChannels<V>(gradients, share, to, _channels);
                    }
                }
            }
        }
    }

    /// <summary>sum[c] += source[c] · scale.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddScaledChannels<V>(float* source, float scale, float* sum, int channels)
        where V : unmanaged, ISimd<V>
    {
        V scales = V.All(scale);
        int c = 0;
        for (; c <= channels - V.Count; c += V.Count)
        {
            V.Fma(V.Load(source + c), scales, V.Load(sum + c)).Store(sum + c);
        }

        for (; c < channels; c++)
        {
            sum[c] += source[c] * scale;
        }
    }
}
