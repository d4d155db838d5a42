using System.Runtime.CompilerServices;
using Hieno.Tensors.Cpu.Simd;

namespace Hieno.Tensors.Cpu;

/// <summary>What a convolution copies: the pixels under its filters, and the filters in the order of those pixels.</summary>
public sealed unsafe partial class CpuBackend
{
    private const int FeaturesAtOnce = 16; // a cache line of numbers

    /// <summary>How the numbers of filters [Out, C / groups, KH, KW] are put in order.</summary>
    private enum FilterOrder
    {
        /// <summary>[Out, KH, KW, C / groups]: a row for each feature.</summary>
        Forward,

        /// <summary>For each group [C / groups, KH, KW, Out / groups], filter rows and columns backwards: a row for each channel.</summary>
        Turned,
    }

    /// <summary>Pictures under a moving window, one group of their channels at a time.</summary>
    /// <param name="Pixels">The first pixel's first channel of the group.</param>
    /// <param name="Stride">Numbers from one pixel to the next.</param>
    /// <param name="Channels">Channels of the group.</param>
    /// <param name="Images">Pictures.</param>
    /// <param name="Rows">Rows of a picture, places from top to bottom, window rows, and how the window moves down.</param>
    /// <param name="Columns">The same across.</param>
    private readonly record struct PatchWindow(nint Pixels, long Stride, int Channels, int Images, WindowSide Rows, WindowSide Columns)
    {
        /// <summary>Numbers that one place reads.</summary>
        public int Depth => Rows.Window * Columns.Window * Channels;

        public int Places => Images * Rows.Places * Columns.Places;

        /// <summary>What a forward pass reads.</summary>
        public static PatchWindow OfInput(ConvolutionGeometry g, Tensor x) => new(
            x.Pointer,
            x.RowStride,
            g.Channels,
            g.Images,
            new WindowSide(g.Height, g.OutHeight, g.KernelHeight, g.Vertical),
            new WindowSide(g.Width, g.OutWidth, g.KernelWidth, g.Horizontal));

        /// <summary>What the gradient of the input reads of the result's: at stride 1 a place for each pixel of the input.</summary>
        public static PatchWindow OfOutput(ConvolutionGeometry g, Tensor dy) => new(
            dy.Pointer,
            dy.RowStride,
            g.Features,
            g.Images,
            new WindowSide(g.OutHeight, g.Height, g.KernelHeight, Backwards(g.Vertical, g.KernelHeight)),
            new WindowSide(g.OutWidth, g.Width, g.KernelWidth, Backwards(g.Horizontal, g.KernelWidth)));

        public PatchWindow OfGroup(int group, int channels) => this with { Pixels = Pixels + (group * channels * sizeof(float)), Channels = channels };

        /// <summary>A pixel, counted through all pictures.</summary>
        public float* Pixel(long index) => (float*)Pixels + (index * Stride);

        // What was read u·d − p further is handed back from p − u·d; with the window turned, element KH − 1 − u stands where u stood.
        private static SlidingAxis Backwards(SlidingAxis axis, int window) => axis with { Before = (axis.Dilation * (window - 1)) - axis.Before };
    }

    /// <summary>One side of the pictures and of the window over them.</summary>
    private readonly record struct WindowSide(int Length, int Places, int Window, SlidingAxis Axis)
    {
        /// <summary>The pixel that an element of the window reads at a place; outside of 0 … Length − 1 it is padding.</summary>
        public int Pixel(int place, int element) => (place * Axis.Stride) + (element * Axis.Dilation) - Axis.Before;
    }

    /// <summary>Item i copies the patch of a place: [KH, KW, channels], zeros where the window leaves the picture.</summary>
    private readonly struct CopyPatchesKernel(PatchWindow window, int firstPlace, float* patches) : IKernel
    {
        private readonly float* _patches = patches;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<V>(int chunk, long start, long end)
            where V : unmanaged, ISimd<V>
        {
            int rowLength = window.Columns.Window * window.Channels;
            for (long item = start; item < end; item++)
            {
                float* patch = _patches + (item * window.Depth);
                (int image, int down, int across) = PixelAt(firstPlace + item, window.Rows.Places, window.Columns.Places);
                for (int u = 0; u < window.Rows.Window; u++, patch += rowLength)
                {
                    int y = window.Rows.Pixel(down, u);
                    if ((uint)y >= (uint)window.Rows.Length)
                    {
                        new Span<float>(patch, rowLength).Clear();
                    }
                    else
                    {
                        CopyRow(window.Pixel(((long)image * window.Rows.Length + y) * window.Columns.Length), across, patch);
                    }
                }
            }
        }

        // One row of the window: a single run of memory where its pixels lie side by side and whole pixels are read.
        private void CopyRow(float* row, int across, float* patch)
        {
            WindowSide side = window.Columns;
            int channels = window.Channels;
            int first = side.Pixel(across, 0);
            if (side.Axis.Dilation == 1 && window.Stride == channels && first >= 0 && first + side.Window <= side.Length)
            {
                new Span<float>(row + ((long)first * channels), side.Window * channels).CopyTo(new Span<float>(patch, side.Window * channels));
                return;
            }

            for (int v = 0; v < side.Window; v++, patch += channels)
            {
                int x = side.Pixel(across, v);
                var to = new Span<float>(patch, channels);
                if ((uint)x < (uint)side.Length)
                {
                    new Span<float>(row + (x * window.Stride), channels).CopyTo(to);
                }
                else
                {
                    to.Clear();
                }
            }
        }
    }

    /// <summary>Item i adds up what all places hand to pixel i.</summary>
    private readonly struct CollectPatchesKernel(ConvolutionGeometry geometry, float* shares, float* dx, long stride, bool add) : IKernel
    {
        private readonly float* _shares = shares;
        private readonly float* _dx = dx;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<V>(int chunk, long start, long end)
            where V : unmanaged, ISimd<V>
        {
            int channels = geometry.GroupChannels;
            for (long item = start; item < end; item++)
            {
                (int image, int y, int x) = PixelAt(item, geometry.Height, geometry.Width);
                float* to = _dx + (item * stride);
                if (!add)
                {
                    new Span<float>(to, channels).Clear();
                }

                for (int u = 0; u < geometry.KernelHeight; u++)
                {
                    int down = PlaceOf(y, u, geometry.Vertical, geometry.OutHeight);
                    for (int v = 0; down >= 0 && v < geometry.KernelWidth; v++)
                    {
                        int across = PlaceOf(x, v, geometry.Horizontal, geometry.OutWidth);
                        if (across >= 0)
                        {
                            long place = ((long)image * geometry.OutHeight + down) * geometry.OutWidth + across;
                            AddChannels<V>(_shares + (place * geometry.Depth) + (((u * geometry.KernelWidth) + v) * channels), to, channels);
                        }
                    }
                }
            }
        }
    }

    /// <summary>The place at which element <paramref name="element"/> of a window reads a pixel; −1 where there is none.</summary>
    private static int PlaceOf(int pixel, int element, SlidingAxis axis, int places)
    {
        (int place, int rest) = Math.DivRem(pixel + axis.Before - (element * axis.Dilation), axis.Stride);
        return rest == 0 && (uint)place < (uint)places ? place : -1;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddChannels<V>(float* source, float* sum, int channels)
        where V : unmanaged, ISimd<V>
    {
        int c = 0;
        for (; c <= channels - V.Count; c += V.Count)
        {
            (V.Load(sum + c) + V.Load(source + c)).Store(sum + c);
        }

        for (; c < channels; c++)
        {
            sum[c] += source[c];
        }
    }

    /// <summary>Item i is the filter of feature i, as it is stored: [C / groups, KH, KW].</summary>
    private readonly struct OrderFiltersKernel(Tensor weight, ConvolutionGeometry g, float* filters) : IKernel
    {
        private readonly Matrix _weight = Matrix.Of(weight.View([1, checked((int)weight.Count)]));
        private readonly float* _filters = filters;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<V>(int chunk, long start, long end)
            where V : unmanaged, ISimd<V>
        {
            (int channels, int taps) = (g.GroupChannels, g.Taps);
            for (long feature = start; feature < end; feature++)
            {
                long first = feature * g.Depth;
                for (int channel = 0; channel < channels; channel++)
                {
                    for (int tap = 0; tap < taps; tap++)
                    {
                        _filters[first + ((long)tap * channels) + channel] = _weight.At(first + ((long)channel * taps) + tap);
                    }
                }
            }
        }
    }

    /// <summary>Item i is a run of <see cref="FeaturesAtOnce"/> features of one group, whose numbers come to lie side by side.</summary>
    private readonly struct TurnFiltersKernel(Tensor weight, ConvolutionGeometry g, float* filters) : IKernel
    {
        private readonly Matrix _weight = Matrix.Of(weight.View([1, checked((int)weight.Count)]));
        private readonly float* _filters = filters;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<V>(int chunk, long start, long end)
            where V : unmanaged, ISimd<V>
        {
            (int channels, int taps, int features) = (g.GroupChannels, g.Taps, g.GroupFeatures);
            int runs = RunsOf(g);
            for (long item = start; item < end; item++)
            {
                (long group, long run) = Math.DivRem(item, runs);
                int first = (int)run * FeaturesAtOnce;
                int count = Math.Min(FeaturesAtOnce, features - first);
                long stored = ((group * features) + first) * g.Depth;
                for (int number = 0; number < g.Depth; number++)
                {
                    (int channel, int tap) = Math.DivRem(number, taps);
                    float* to = _filters + ((((group * channels) + channel) * taps) + (taps - 1 - tap)) * features + first;
                    for (int f = 0; f < count; f++)
                    {
                        to[f] = _weight.At(stored + ((long)f * g.Depth) + number);
                    }
                }
            }
        }
    }

    /// <summary>Item i is the gradient of feature i's filter in the order of the checkpoint.</summary>
    private readonly struct UnorderFiltersKernel(float* filters, ConvolutionGeometry g, float* dweight, bool add) : IKernel
    {
        private readonly float* _filters = filters;
        private readonly float* _dweight = dweight;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<V>(int chunk, long start, long end)
            where V : unmanaged, ISimd<V>
        {
            (int channels, int taps) = (g.GroupChannels, g.Taps);
            for (long feature = start; feature < end; feature++)
            {
                float* from = _filters + (feature * g.Depth);
                float* to = _dweight + (feature * g.Depth);
                for (int channel = 0; channel < channels; channel++)
                {
                    for (int tap = 0; tap < taps; tap++)
                    {
                        float value = from[((long)tap * channels) + channel];
                        long place = ((long)channel * taps) + tap;
                        to[place] = add ? to[place] + value : value;
                    }
                }
            }
        }
    }

    private static int RunsOf(ConvolutionGeometry g) => (g.GroupFeatures + FeaturesAtOnce - 1) / FeaturesAtOnce;
}
