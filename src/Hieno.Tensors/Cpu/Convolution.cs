using Hieno.Tensors.Cpu.Simd;

namespace Hieno.Tensors.Cpu;

/// <summary>Convolutions as matrix products.</summary>
/// <remarks>
/// The pixels that each place of a filter reads are copied side by side, a chunk of places at a time, and multiplied by the filters, whose
/// numbers are put in the same order first: filter rows, filter columns, channels. With the channels last a filter row is one run of memory.
/// A filter of one pixel needs no copies. Chunks depend on the extents alone, so sums over them do not depend on the number of threads.
/// </remarks>
public sealed unsafe partial class CpuBackend
{
    private const int PatchNumbers = 1 << 19; // 2 MiB of copies at a time: they are read again from the cache

    private const int FewestPlaces = 128;

    /// <inheritdoc/>
    public override void Convolution(Tensor x, Tensor weight, Tensor? bias, ConvolutionGeometry geometry, Tensor y, bool add, MatMulPrecision precision)
    {
        ArgumentNullException.ThrowIfNull(geometry);
        if (geometry.IsDepthwise)
        {
            DepthwiseForward(x, weight, bias, geometry, y, add);
            return;
        }

        using Scratch filters = RentScratch(weight.Count);
        OrderFilters(weight, geometry, FilterOrder.Forward, filters.Pointer);
        var window = PatchWindow.OfInput(geometry, x);
        for (int group = 0; group < geometry.Groups; group++)
        {
            float* b = filters.Pointer + ((long)group * geometry.GroupFeatures * geometry.Depth);
            float* offsets = bias is null ? null : (float*)bias.Pointer + (group * geometry.GroupFeatures);
            float* c = (float*)y.Pointer + (group * geometry.GroupFeatures);
            MultiplyPatches(window.OfGroup(group, geometry.GroupChannels), geometry.IsPointwise, FiltersAsColumns(b, geometry.GroupFeatures, geometry.Depth), offsets, c, y.RowStride, add, precision);
        }

        KeepAlive(x, weight, bias, y);
    }

    /// <inheritdoc/>
    public override void ConvolutionInputGradient(Tensor dy, Tensor weight, ConvolutionGeometry geometry, Tensor dx, bool add, MatMulPrecision precision)
    {
        ArgumentNullException.ThrowIfNull(geometry);
        if (geometry.IsDepthwise)
        {
            DepthwiseInputGradient(dy, weight, geometry, dx, add);
            return;
        }

        // At stride 1 the gradient is itself a convolution, of dy by the filters turned by half a circle.
        bool unit = geometry is { Vertical.Stride: 1, Horizontal.Stride: 1 };
        using Scratch filters = RentScratch(weight.Count);
        OrderFilters(weight, geometry, unit ? FilterOrder.Turned : FilterOrder.Forward, filters.Pointer);
        var window = PatchWindow.OfOutput(geometry, dy);
        for (int group = 0; group < geometry.Groups; group++)
        {
            float* b = filters.Pointer + ((long)group * geometry.GroupFeatures * geometry.Depth);
            float* c = (float*)dx.Pointer + (group * geometry.GroupChannels);
            PatchWindow part = window.OfGroup(group, geometry.GroupFeatures);
            if (unit)
            {
                Matrix turned = FiltersAsColumns(b, geometry.GroupChannels, geometry.Taps * geometry.GroupFeatures);
                MultiplyPatches(part, geometry.IsPointwise, turned, null, c, dx.RowStride, add, precision);
            }
            else
            {
                ScatterPatches(part, geometry, new Matrix(b, DType.F32, geometry.GroupFeatures, geometry.Depth, geometry.Depth, false), c, dx.RowStride, add, precision);
            }
        }

        KeepAlive(dy, weight, dx);
    }

    /// <inheritdoc/>
    public override void ConvolutionWeightGradient(Tensor x, Tensor dy, ConvolutionGeometry geometry, Tensor dweight, bool add, MatMulPrecision precision)
    {
        ArgumentNullException.ThrowIfNull(geometry);
        if (geometry.IsDepthwise)
        {
            DepthwiseWeightGradient(x, dy, geometry, dweight, add);
            return;
        }

        var window = PatchWindow.OfInput(geometry, x);
        int places = PlacesAtOnce(geometry.Depth);
        using Scratch filters = RentScratch(dweight.Count);
        using Scratch patches = RentScratch(geometry.IsPointwise ? 0 : (long)Math.Min(places, geometry.OutPixels) * geometry.Depth);
        for (int group = 0; group < geometry.Groups; group++)
        {
            PatchWindow part = window.OfGroup(group, geometry.GroupChannels);
            float* c = filters.Pointer + ((long)group * geometry.GroupFeatures * geometry.Depth);
            for (int start = 0; start < geometry.OutPixels; start += places)
            {
                int count = Math.Min(places, geometry.OutPixels - start);
                float* gradients = (float*)dy.Pointer + ((long)start * dy.RowStride) + (group * geometry.GroupFeatures);
                var left = new Matrix(gradients, DType.F32, geometry.GroupFeatures, count, dy.RowStride, true);
                Product(left, Patches(part, geometry.IsPointwise, start, count, patches.Pointer), null, c, geometry.Depth, start > 0, precision);
            }
        }

        For(geometry.Features, FiltersPerTask(geometry), new UnorderFiltersKernel(filters.Pointer, geometry, (float*)dweight.Pointer, add));
        KeepAlive(x, dy, dweight);
    }

    private static Matrix FiltersAsColumns(float* filters, int count, int depth) => new(filters, DType.F32, depth, count, depth, true);

    private static int PlacesAtOnce(int depth) => Math.Max(FewestPlaces, PatchNumbers / depth);

    // c (+)= the patches of all places · b (+ bias).
    private void MultiplyPatches(PatchWindow window, bool pointwise, Matrix b, float* bias, float* c, long stride, bool add, MatMulPrecision precision)
    {
        int places = pointwise ? window.Places : Math.Min(window.Places, PlacesAtOnce(window.Depth));
        using Scratch patches = RentScratch(pointwise ? 0 : (long)places * window.Depth);
        for (int start = 0; start < window.Places; start += places)
        {
            int count = Math.Min(places, window.Places - start);
            Product(Patches(window, pointwise, start, count, patches.Pointer), b, bias, c + (start * stride), stride, add, precision);
        }
    }

    // The patches of some places: copied, or where they lie if a patch is one pixel.
    private Matrix Patches(PatchWindow window, bool pointwise, int start, int count, float* patches)
    {
        if (pointwise)
        {
            return new Matrix(window.Pixel(start), DType.F32, count, window.Channels, window.Stride, false);
        }

        For(count, Math.Max(1, ElementsPerTask / window.Depth), new CopyPatchesKernel(window, start, patches));
        return new Matrix(patches, DType.F32, count, window.Depth, window.Depth, false);
    }

    // At a stride: what each place would hand to the pixels it read, for as many pictures as fit, then each pixel's sum over its places.
    private void ScatterPatches(PatchWindow dy, ConvolutionGeometry geometry, Matrix filters, float* dx, long stride, bool add, MatMulPrecision precision)
    {
        int places = geometry.OutHeight * geometry.OutWidth;
        int pixels = geometry.Height * geometry.Width;
        int images = (int)Math.Clamp(4L * PatchNumbers / ((long)places * geometry.Depth), 1, geometry.Images);
        using Scratch shares = RentScratch((long)images * places * geometry.Depth);
        for (int image = 0; image < geometry.Images; image += images)
        {
            int count = Math.Min(images, geometry.Images - image);
            var left = new Matrix(dy.Pixel(image * places), DType.F32, count * places, geometry.GroupFeatures, dy.Stride, false);
            Product(left, filters, null, shares.Pointer, geometry.Depth, add: false, precision);
            For((long)count * pixels, Math.Max(1, ElementsPerTask / geometry.Depth), new CollectPatchesKernel(geometry, shares.Pointer, dx + ((long)image * pixels * stride), stride, add));
        }
    }

    private void Product(Matrix a, Matrix b, float* bias, float* c, long stride, bool add, MatMulPrecision precision)
    {
        if (precision == MatMulPrecision.Bf16)
        {
            MultiplyBf16(a, b, bias, c, stride, add);
        }
        else
        {
            Multiply(a, b, bias, c, stride, add);
        }
    }

    private void OrderFilters(Tensor weight, ConvolutionGeometry geometry, FilterOrder order, float* filters)
    {
        if (order == FilterOrder.Forward)
        {
            For(geometry.Features, FiltersPerTask(geometry), new OrderFiltersKernel(weight, geometry, filters));
        }
        else
        {
            For((long)geometry.Groups * RunsOf(geometry), Math.Max(1, FiltersPerTask(geometry) / FeaturesAtOnce), new TurnFiltersKernel(weight, geometry, filters));
        }
    }

    private static int FiltersPerTask(ConvolutionGeometry geometry) => Math.Max(1, ElementsPerTask / geometry.Depth);
}
