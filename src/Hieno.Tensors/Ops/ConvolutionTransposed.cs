namespace Hieno.Tensors;

public static partial class Ops
{
    /// <summary>
    /// The convolution turned round: each pixel of x paints its filter into a larger picture, y[n, i·s + u·d − p, …, o] += x[n, i, …, c] · W[c, o, u, v].
    /// What <see cref="Convolution"/> does to gradients.
    /// </summary>
    /// <param name="x">Pictures with their channels last, [N, H, W, C].</param>
    /// <param name="weight">W as checkpoints store it, [C, Out / groups, KH, KW].</param>
    /// <param name="bias">b, [Out], or null for none.</param>
    /// <param name="vertical">Stride, padding (cut off the result) and dilation from top to bottom.</param>
    /// <param name="horizontal">The same from left to right.</param>
    /// <param name="groups">Parts that channels and features are cut into. Default 1.</param>
    /// <param name="extraHeight">Rows of the result beyond the smallest possible, less than the stride. Default 0.</param>
    /// <param name="extraWidth">Columns of the result beyond the smallest possible. Default 0.</param>
    /// <returns>[N, (H − 1)·s + d·(KH − 1) + 1 − padding + extra, …, Out].</returns>
    /// <exception cref="ShapeException">The shapes do not fit.</exception>
    /// <remarks>Zeiler et al. 2010 (there called deconvolution); Dumoulin and Visin 2016, <see href="https://arxiv.org/abs/1603.07285"/>, chapter 4.</remarks>
    public static Tensor ConvolutionTransposed(
        Tensor x, Tensor weight, Tensor? bias, SlidingAxis vertical, SlidingAxis horizontal, int groups = 1, int extraHeight = 0, int extraWidth = 0)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(weight);
        ShapeException.ThrowUnless(x.Shape.Rank == 4, $"x has shape {x.Shape}, expected [N, H, W, C].");
        int channels = x.Shape[3];
        ShapeException.ThrowUnless(
            groups > 0 && channels % groups == 0 && weight.Shape.Rank == 4 && weight.Shape[0] == channels,
            $"weight has shape {weight.Shape}, expected [{channels}, Out / {groups}, KH, KW] for x {x.Shape}.");
        vertical.Check("the vertical axis", nameof(ConvolutionTransposed));
        horizontal.Check("the horizontal axis", nameof(ConvolutionTransposed));
        int height = Painted(x.Shape[1], weight.Shape[2], vertical) + extraHeight;
        int width = Painted(x.Shape[2], weight.Shape[3], horizontal) + extraWidth;
        int features = weight.Shape[1] * groups;
        var geometry = new ConvolutionGeometry(x.Shape[0], height, width, features, channels, weight.Shape[2], weight.Shape[3], groups, vertical, horizontal);
        ShapeException.ThrowUnless(
            geometry.OutHeight == x.Shape[1] && geometry.OutWidth == x.Shape[2],
            $"the result of {height} × {width} pixels with {extraHeight} and {extraWidth} extra does not belong to x {x.Shape}; extra is less than the stride.");
        CheckConvolution(geometry, x, weight, bias, features, nameof(ConvolutionTransposed));
        Tensor y = Tensor.Create([geometry.Images, height, width, features], x.Backend);
        if (bias is not null)
        {
            x.Backend.GatherRows(bias.View([1, features]), new int[y.Rows], y); // the filters' share is added to it
        }

        x.Backend.ConvolutionInputGradient(x, weight, geometry, y, add: bias is not null, PrecisionFor(geometry));
        Tape.Spend(geometry.Flops + (bias is null ? 0 : y.Count));
        return Tape.Wants(x, weight, bias) ? Tape.Record(y, new ConvolutionTransposedBackward(x, weight, bias, geometry)) : y;
    }

    private static int Painted(int length, int window, SlidingAxis axis) =>
        ((length - 1) * axis.Stride) + (axis.Dilation * (window - 1)) + 1 - axis.Before - axis.After;

    // The roles of picture and result change: dx is a convolution of dy, and dW reads dy where a convolution reads its picture.
    private sealed class ConvolutionTransposedBackward : Backward
    {
        private readonly Tensor _x;
        private readonly Tensor _weight;
        private readonly Tensor? _bias;
        private readonly ConvolutionGeometry _geometry;
        private readonly MatMulPrecision _precision;

        public ConvolutionTransposedBackward(Tensor x, Tensor weight, Tensor? bias, ConvolutionGeometry geometry)
            : base(x, weight, bias)
        {
            _x = Needs(weight) ? Hold(x) : x;
            _weight = Needs(x) && weight.Storage.InScope ? Hold(weight) : weight;
            (_bias, _geometry, _precision) = (bias, geometry, PrecisionFor(geometry));
        }

        public override long FlopsFor(Tensor input) => input == _bias ? Output.Count : _geometry.Flops;

        protected override void Run(Tensor dy)
        {
            if (Needs(_x))
            {
                Tensor dx = GradOf(_x, out bool add);
                dy.Backend.Convolution(dy, _weight, null, _geometry, dx, add, _precision);
            }

            if (Needs(_weight))
            {
                Tensor dweight = GradOf(_weight, out bool add);
                dy.Backend.ConvolutionWeightGradient(dy, _x, _geometry, dweight, add, _precision);
            }

            if (_bias is not null && Needs(_bias))
            {
                Tensor dbias = GradOf(_bias, out bool add);
                dy.Backend.SumRows(dy, dbias, add);
            }
        }
    }
}
