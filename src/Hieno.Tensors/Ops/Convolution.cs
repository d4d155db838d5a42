namespace Hieno.Tensors;

public static partial class Ops
{
    /// <summary>
    /// Slides filters over pictures: y[n, i, j, o] = b[o] + Σ x[n, i·s + u·d − p, j·s + v·d − p, c] · W[o, c, u, v] over the filter's pixels (u, v)
    /// and the channels c of the feature's group; outside the picture x is 0.
    /// </summary>
    /// <param name="x">Pictures with their channels last, [N, H, W, C].</param>
    /// <param name="weight">W as checkpoints store it, [Out, C / groups, KH, KW]. A weight of fewer than 32 bits cannot be trained.</param>
    /// <param name="bias">b, [Out], or null for none.</param>
    /// <param name="vertical">Stride, padding and dilation from top to bottom.</param>
    /// <param name="horizontal">The same from left to right.</param>
    /// <param name="groups">Parts that channels and features are cut into. Default 1; C for a depthwise convolution.</param>
    /// <returns>[N, H', W', Out].</returns>
    /// <exception cref="ShapeException">The shapes do not fit, or a filter is larger than the padded picture.</exception>
    /// <remarks>LeCun et al. 1989; dilation: Yu and Koltun 2015, <see href="https://arxiv.org/abs/1511.07122"/>, section 2. A picture of one row is a sequence.</remarks>
    public static Tensor Convolution(
        Tensor x, Tensor weight, Tensor? bias, SlidingAxis vertical, SlidingAxis horizontal, int groups = 1)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(weight);
        ShapeException.ThrowUnless(x.Shape.Rank == 4, $"x has shape {x.Shape}, expected [N, H, W, C].");
        int channels = x.Shape[3];
        ShapeException.ThrowUnless(
            groups > 0 && channels % groups == 0 && weight.Shape.Rank == 4 && weight.Shape[1] == channels / groups && weight.Shape[0] % groups == 0,
            $"weight has shape {weight.Shape}, expected [Out, {channels} / {groups}, KH, KW] with Out and {channels} divisible by {groups} for x {x.Shape}.");
        var geometry = new ConvolutionGeometry(
            x.Shape[0], x.Shape[1], x.Shape[2], channels, weight.Shape[0], weight.Shape[2], weight.Shape[3], groups, vertical, horizontal);
        CheckConvolution(geometry, x, weight, bias, geometry.Features, nameof(Convolution));
        Tensor y = Tensor.Create([geometry.Images, geometry.OutHeight, geometry.OutWidth, geometry.Features], x.Backend);
        x.Backend.Convolution(x, weight, bias, geometry, y, add: false, PrecisionFor(geometry));
        Tape.Spend(geometry.Flops + (bias is null ? 0 : y.Count));
        return Tape.Wants(x, weight, bias) ? Tape.Record(y, new ConvolutionBackward(x, weight, bias, geometry)) : y;
    }

    private static void CheckConvolution(ConvolutionGeometry geometry, Tensor x, Tensor weight, Tensor? bias, int features, string op)
    {
        geometry.Vertical.Check("the vertical axis", op);
        geometry.Horizontal.Check("the horizontal axis", op);
        ShapeException.ThrowUnless(
            geometry is { KernelHeight: > 0, KernelWidth: > 0, OutHeight: > 0, OutWidth: > 0 },
            $"a filter of {geometry.KernelHeight} × {geometry.KernelWidth} pixels does not fit {geometry.Height} × {geometry.Width} with this padding and dilation.",
            op);
        if (bias is not null)
        {
            ShapeException.ThrowIfNot(bias, [features], op);
            ThrowUnlessSingle(bias, op);
        }

        ThrowUnlessSingle(x, op);
        ThrowIfTrainedBelow32Bits(weight, op);
    }

    // As for projections: short sides gain nothing by rounding.
    private static MatMulPrecision PrecisionFor(ConvolutionGeometry geometry) =>
        Math.Min(geometry.GroupFeatures, geometry.Depth) < 32 ? MatMulPrecision.Fp32 : Tape.Current?.Precision ?? MatMulPrecision.Fp32;

    // dx: every place that read a pixel hands it dy · W. dW: Σ over places of dy times what was read there. db: Σ over places of dy.
    private sealed class ConvolutionBackward : Backward
    {
        private readonly Tensor _x;
        private readonly Tensor _weight;
        private readonly Tensor? _bias;
        private readonly ConvolutionGeometry _geometry;
        private readonly MatMulPrecision _precision;

        public ConvolutionBackward(Tensor x, Tensor weight, Tensor? bias, ConvolutionGeometry geometry)
            : base(x, weight, bias)
        {
            _x = Needs(weight) ? Hold(x) : x;
            _weight = Needs(x) && weight.Storage.InScope ? Hold(weight) : weight;
            (_bias, _geometry, _precision) = (bias, geometry, PrecisionFor(geometry));
        }

        public override long FlopsFor(Tensor input) => input == _bias ? (long)_geometry.OutPixels * _geometry.Features : _geometry.Flops;

        protected override void Run(Tensor dy)
        {
            if (Needs(_x))
            {
                Tensor dx = GradOf(_x, out bool add);
                dy.Backend.ConvolutionInputGradient(dy, _weight, _geometry, dx, add, _precision);
            }

            if (Needs(_weight))
            {
                Tensor dweight = GradOf(_weight, out bool add);
                dy.Backend.ConvolutionWeightGradient(_x, dy, _geometry, dweight, add, _precision);
            }

            if (_bias is not null && Needs(_bias))
            {
                Tensor dbias = GradOf(_bias, out bool add);
                dy.Backend.SumRows(dy, dbias, add);
            }
        }
    }
}

public abstract partial class Backend
{
    /// <summary>Kernel of <see cref="Ops.Convolution"/>: y (+)= the convolution of x.</summary>
    public abstract void Convolution(Tensor x, Tensor weight, Tensor? bias, ConvolutionGeometry geometry, Tensor y, bool add, MatMulPrecision precision);

    /// <summary>dx (+)= the gradient of a convolution's input; also the forward pass of <see cref="Ops.ConvolutionTransposed"/>.</summary>
    public abstract void ConvolutionInputGradient(Tensor dy, Tensor weight, ConvolutionGeometry geometry, Tensor dx, bool add, MatMulPrecision precision);

    /// <summary>dweight (+)= the gradient of a convolution's filters.</summary>
    public abstract void ConvolutionWeightGradient(Tensor x, Tensor dy, ConvolutionGeometry geometry, Tensor dweight, bool add, MatMulPrecision precision);
}
