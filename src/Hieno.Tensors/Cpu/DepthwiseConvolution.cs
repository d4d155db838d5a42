using System.Runtime.CompilerServices;
using Hieno.Tensors.Cpu.Simd;

namespace Hieno.Tensors.Cpu;

/// <summary>Convolutions in which each feature reads one channel: channels side by side fill the lanes of a vector.</summary>
public sealed unsafe partial class CpuBackend
{
    private const int DepthwisePlacesPerTask = 256; // fixed, so that the filters' gradient never depends on the thread count

    private void DepthwiseForward(Tensor x, Tensor weight, Tensor? bias, ConvolutionGeometry geometry, Tensor y, bool add)
    {
        using Scratch filters = RentScratch(weight.Count);
        TapsFirst(weight, filters.Pointer);
        int grain = Math.Max(1, ElementsPerTask / (geometry.Channels * geometry.Taps));
        For(geometry.OutPixels, grain, new DepthwiseForwardKernel(x, filters.Pointer, bias, geometry, y, add));
        KeepAlive(x, weight, bias, y);
    }

    private void DepthwiseInputGradient(Tensor dy, Tensor weight, ConvolutionGeometry geometry, Tensor dx, bool add)
    {
        using Scratch filters = RentScratch(weight.Count);
        TapsFirst(weight, filters.Pointer);
        int grain = Math.Max(1, ElementsPerTask / (geometry.Channels * geometry.Taps));
        For((long)geometry.Images * geometry.Height * geometry.Width, grain, new DepthwiseInputKernel(dy, filters.Pointer, geometry, dx, add));
        KeepAlive(dy, weight, dx);
    }

    private void DepthwiseWeightGradient(Tensor x, Tensor dy, ConvolutionGeometry geometry, Tensor dweight, bool add)
    {
        int chunks = (geometry.OutPixels + DepthwisePlacesPerTask - 1) / DepthwisePlacesPerTask;
        int numbers = geometry.Taps * geometry.Channels;
        using Scratch partials = RentScratch((long)chunks * numbers);
        using Scratch sums = RentScratch(numbers);
        For(geometry.OutPixels, DepthwisePlacesPerTask, new DepthwiseWeightKernel(x, dy, geometry, partials.Pointer));
        SumPartials(partials.Pointer, chunks, numbers, sums.Pointer, add: false);
        float* gradient = (float*)dweight.Pointer;
        for (int i = 0; i < numbers; i++)
        {
            (int channel, int tap) = Math.DivRem(i, geometry.Taps);
            float value = sums.Pointer[(tap * geometry.Channels) + channel];
            gradient[i] = add ? gradient[i] + value : value;
        }

        KeepAlive(x, dy, dweight);
    }

    // From [C, 1, KH, KW] to [KH · KW, C].
    private static void TapsFirst(Tensor weight, float* filters)
    {
        Matrix stored = Matrix.Of(weight.View([weight.Shape[0], weight.Shape[2] * weight.Shape[3]]));
        for (int channel = 0; channel < stored.Rows; channel++)
        {
            for (int tap = 0; tap < stored.Columns; tap++)
            {
                filters[((long)tap * stored.Rows) + channel] = stored[channel, tap];
            }
        }
    }

    /// <summary>Item i is a pixel of y.</summary>
    private readonly struct DepthwiseForwardKernel(Tensor x, float* filters, Tensor? bias, ConvolutionGeometry geometry, Tensor y, bool add) : IKernel
    {
        private readonly PatchWindow _x = PatchWindow.OfInput(geometry, x);
        private readonly float* _filters = filters;
        private readonly float* _bias = bias is null ? null : (float*)bias.Pointer;
        private readonly float* _y = (float*)y.Pointer;
        private readonly long _stride = y.RowStride;
        private readonly int _channels = geometry.Channels;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<V>(int chunk, long start, long end)
            where V : unmanaged, ISimd<V>
        {
            for (long item = start; item < end; item++)
            {
                float* to = _y + (item * _stride);
                if (_bias != null)
                {
                    new Span<float>(_bias, _channels).CopyTo(new Span<float>(to, _channels));
                }
                else if (!add)
                {
                    new Span<float>(to, _channels).Clear();
                }

                (int image, int down, int across) = PixelAt(item, _x.Rows.Places, _x.Columns.Places);
                for (int u = 0; u < _x.Rows.Window; u++)
                {
                    int row = _x.Rows.Pixel(down, u);
                    for (int v = 0; (uint)row < (uint)_x.Rows.Length && v < _x.Columns.Window; v++)
                    {
                        int column = _x.Columns.Pixel(across, v);
                        if ((uint)column < (uint)_x.Columns.Length)
                        {
                            float* from = _x.Pixel((((long)image * _x.Rows.Length) + row) * _x.Columns.Length + column);
                            AddProducts<V>(from, _filters + ((long)((u * _x.Columns.Window) + v) * _channels), to, _channels);
                        }
                    }
                }
            }
        }
    }

    /// <summary>Item i is a pixel of dx.</summary>
    private readonly struct DepthwiseInputKernel(Tensor dy, float* filters, ConvolutionGeometry geometry, Tensor dx, bool add) : IKernel
    {
        private readonly float* _dy = (float*)dy.Pointer;
        private readonly long _dyStride = dy.RowStride;
        private readonly float* _filters = filters;
        private readonly float* _dx = (float*)dx.Pointer;
        private readonly long _dxStride = dx.RowStride;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<V>(int chunk, long start, long end)
            where V : unmanaged, ISimd<V>
        {
            int channels = geometry.Channels;
            for (long item = start; item < end; item++)
            {
                float* to = _dx + (item * _dxStride);
                if (!add)
                {
                    new Span<float>(to, channels).Clear();
                }

                (int image, int y, int x) = PixelAt(item, geometry.Height, geometry.Width);
                for (int u = 0; u < geometry.KernelHeight; u++)
                {
                    int down = PlaceOf(y, u, geometry.Vertical, geometry.OutHeight);
                    for (int v = 0; down >= 0 && v < geometry.KernelWidth; v++)
                    {
                        int across = PlaceOf(x, v, geometry.Horizontal, geometry.OutWidth);
                        if (across >= 0)
                        {
                            float* from = _dy + (((((long)image * geometry.OutHeight) + down) * geometry.OutWidth) + across) * _dyStride;
                            AddProducts<V>(from, _filters + ((long)((u * geometry.KernelWidth) + v) * channels), to, channels);
                        }
                    }
                }
            }
        }
    }

    /// <summary>Items are places of the filters; each chunk writes its sums [KH · KW, C].</summary>
    private readonly struct DepthwiseWeightKernel(Tensor x, Tensor dy, ConvolutionGeometry geometry, float* partials) : IKernel
    {
        private readonly PatchWindow _x = PatchWindow.OfInput(geometry, x);
        private readonly float* _dy = (float*)dy.Pointer;
        private readonly long _dyStride = dy.RowStride;
        private readonly float* _partials = partials;
        private readonly int _channels = geometry.Channels;
        private readonly int _taps = geometry.Taps;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<V>(int chunk, long start, long end)
            where V : unmanaged, ISimd<V>
        {
            float* sums = _partials + ((long)chunk * _taps * _channels);
            new Span<float>(sums, _taps * _channels).Clear();
            for (long item = start; item < end; item++)
            {
                float* gradient = _dy + (item * _dyStride);
                (int image, int down, int across) = PixelAt(item, _x.Rows.Places, _x.Columns.Places);
                for (int u = 0; u < _x.Rows.Window; u++)
                {
                    int row = _x.Rows.Pixel(down, u);
                    for (int v = 0; (uint)row < (uint)_x.Rows.Length && v < _x.Columns.Window; v++)
                    {
                        int column = _x.Columns.Pixel(across, v);
                        if ((uint)column < (uint)_x.Columns.Length)
                        {
                            float* from = _x.Pixel((((long)image * _x.Rows.Length) + row) * _x.Columns.Length + column);
                            AddProducts<V>(from, gradient, sums + ((long)((u * _x.Columns.Window) + v) * _channels), _channels);
                        }
                    }
                }
            }
        }
    }

    /// <summary>sum[c] += a[c] · b[c].</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddProducts<V>(float* a, float* b, float* sum, int channels)
        where V : unmanaged, ISimd<V>
    {
        int c = 0;
        for (; c <= channels - V.Count; c += V.Count)
        {
            V.Fma(V.Load(a + c), V.Load(b + c), V.Load(sum + c)).Store(sum + c);
        }

        for (; c < channels; c++)
        {
            sum[c] += a[c] * b[c];
        }
    }
}
