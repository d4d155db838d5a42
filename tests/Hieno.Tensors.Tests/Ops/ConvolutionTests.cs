using Hieno.Testing;
using static Hieno.Tensors.Ops;
using static Hieno.Tensors.Tests.OpChecks;

namespace Hieno.Tensors.Tests.Ops;

public sealed class ConvolutionTests
{
    private static readonly SlidingAxis s_once = new();

    // Stride, padding before and after, dilation, groups, channels, features, kernel: 1 × 1, 3 × 3, strided, dilated, grouped, depthwise.
    public static TheoryData<int, int, int, int, int, int, int, int> Kinds => new()
    {
        { 1, 0, 0, 1, 1, 3, 4, 1 },
        { 2, 0, 0, 1, 1, 3, 4, 1 },
        { 1, 1, 1, 1, 1, 3, 4, 3 },
        { 2, 1, 1, 1, 1, 3, 4, 3 },
        { 1, 2, 1, 2, 1, 2, 3, 2 },
        { 3, 2, 2, 1, 2, 4, 6, 3 },
        { 1, 1, 1, 1, 5, 5, 5, 3 },
        { 2, 2, 2, 2, 5, 5, 5, 3 },
        { 1, 1, 1, 1, 3, 3, 6, 3 },
    };

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Values_are_those_of_the_sum_in_double_precision(int stride, int before, int after, int dilation, int groups, int channels, int features, int kernel)
    {
        var axis = new SlidingAxis(stride, before, after, dilation);
        Tensor weight = Normal([features, channels / groups, kernel, kernel], 2);
        Tensor bias = Normal([features], 3);
        foreach (Tensor x in (Tensor[])[Normal([2, 9, 8, channels], 1), NormalWithGaps([2, 9, 8, channels], 1)])
        {
            Tensor y = Convolution(x, weight, bias, axis, axis with { Stride = 1 }, groups);
            TensorAssert.Close(Reference(x, weight, bias, axis, axis with { Stride = 1 }, groups, y.Shape), y, 2e-6, 2e-6);
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Gradients_are_those_of_central_differences(int stride, int before, int after, int dilation, int groups, int channels, int features, int kernel)
    {
        var axis = new SlidingAxis(stride, before, after, dilation);
        Gradient(t => Convolution(t[0], t[1], t[2], axis, axis, groups), [[2, 7, 6, channels], [features, channels / groups, kernel, kernel], [features]]);
    }

    [Fact]
    public void Gradients_add_up_where_a_tensor_is_used_twice()
    {
        var padded = SlidingAxis.Padded(1, 1);
        Gradient(t => Add(Convolution(t[0], t[1], null, padded, padded), Convolution(Scale(t[0], 2f), t[1], null, padded, padded)), [[1, 5, 4, 3], [2, 3, 3, 3]]);
        Gradient(
            t => Add(ConvolutionTransposed(t[0], t[1], t[2], padded, padded), ConvolutionTransposed(Scale(t[0], 2f), t[1], t[2], padded, padded)),
            [[1, 5, 4, 3], [3, 2, 3, 3], [2]]);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void All_vector_widths_agree(int stride, int before, int after, int dilation, int groups, int channels, int features, int kernel)
    {
        var axis = new SlidingAxis(stride, before, after, dilation);
        AllWidthsAgree(
            t => Convolution(t[0], t[1], t[2], axis, axis, groups), [[2, 11, 9, channels], [features, channels / groups, kernel, kernel], [features]], 2e-5, 2e-5);
    }

    [Fact]
    public void Depthwise_filters_agree_in_every_width_beyond_one_vector()
    {
        var axis = SlidingAxis.Padded(2, 1);
        AllWidthsAgree(t => Convolution(t[0], t[1], t[2], axis, axis, 37), [[1, 7, 6, 37], [37, 1, 3, 3], [37]], 2e-5, 2e-5);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 1)]
    [InlineData(1, 24)]
    [InlineData(2, 24)]
    public void All_thread_counts_agree_bit_for_bit(int stride, int groups)
    {
        var axis = SlidingAxis.Padded(stride, 1);
        AllThreadCountsAgree(t => Convolution(t[0], t[1], t[2], axis, axis, groups), [3, 40, 41, 24], [24, 24 / groups, 3, 3], [24]);
    }

    [Fact]
    public void A_picture_larger_than_a_chunk_of_copies_is_computed_whole()
    {
        var axis = SlidingAxis.Padded(1, 1);
        Tensor x = Normal([1, 70, 60, 96], 1);
        Tensor weight = Normal([2, 96, 3, 3], 2);
        Tensor y = Convolution(x, weight, null, axis, axis);
        TensorAssert.Close(Reference(x, weight, null, axis, axis, 1, y.Shape), y, 5e-5, 5e-5);
    }

    [Fact]
    public void Sixteen_bit_filters_are_read_and_not_trained()
    {
        Tensor weight = TestTensors.Random([4, 3, 3, 3], 5, DType.BF16);
        Tensor wide = Tensor.FromValues(weight.Shape, weight.ToArray());
        Tensor x = Normal([1, 6, 6, 3], 1);
        TensorAssert.Identical(Convolution(x, wide, null, s_once, s_once), Convolution(x, weight, null, s_once, s_once));
        weight.NeedsGrad = true;
        Assert.Contains("cannot be trained", Assert.Throws<ArgumentException>(() => Convolution(x, weight, null, s_once, s_once)).Message);
    }

    [Fact]
    public void Wrong_shapes_are_named()
    {
        Tensor x = Normal([1, 4, 4, 3], 1);
        Assert.Equal(
            "Convolution: weight has shape [2, 4, 3, 3], expected [Out, 3 / 1, KH, KW] with Out and 3 divisible by 1 for x [1, 4, 4, 3].",
            Assert.Throws<ShapeException>(() => Convolution(x, Normal([2, 4, 3, 3], 2), null, s_once, s_once)).Message);
        Assert.Contains("5 × 5 pixels does not fit 4 × 4", Assert.Throws<ShapeException>(() => Convolution(x, Normal([2, 3, 5, 5], 2), null, s_once, s_once)).Message);
        Assert.Contains("expected [N, H, W, C]", Assert.Throws<ShapeException>(() => Convolution(Normal([4, 3], 1), Normal([2, 3, 1, 1], 2), null, s_once, s_once)).Message);
        Assert.Contains("bias has shape [3], expected [2]", Assert.Throws<ShapeException>(() => Convolution(x, Normal([2, 3, 1, 1], 2), Normal([3], 3), s_once, s_once)).Message);
        Assert.Contains("stride 0", Assert.Throws<ShapeException>(() => Convolution(x, Normal([2, 3, 1, 1], 2), null, new SlidingAxis(0), s_once)).Message);
    }

    private static double[] Reference(Tensor x, Tensor weight, Tensor? bias, SlidingAxis vertical, SlidingAxis horizontal, int groups, Shape shape)
    {
        (double[] xs, double[] ws, double[]? bs) = (x.ToDoubles(), weight.ToDoubles(), bias?.ToDoubles());
        (int height, int width, int channels) = (x.Shape[1], x.Shape[2], x.Shape[3]);
        (int features, int part, int kernelHeight, int kernelWidth) = (weight.Shape[0], weight.Shape[1], weight.Shape[2], weight.Shape[3]);
        double[] y = new double[shape.Count];
        for (int i = 0; i < y.Length; i++)
        {
            (int place, int o) = Math.DivRem(i, features);
            (int line, int across) = Math.DivRem(place, shape[2]);
            (int image, int down) = Math.DivRem(line, shape[1]);
            double sum = bs?[o] ?? 0;
            for (int u = 0; u < kernelHeight; u++)
            {
                for (int v = 0; v < kernelWidth; v++)
                {
                    int row = (down * vertical.Stride) + (u * vertical.Dilation) - vertical.Before;
                    int column = (across * horizontal.Stride) + (v * horizontal.Dilation) - horizontal.Before;
                    for (int c = 0; row >= 0 && row < height && column >= 0 && column < width && c < part; c++)
                    {
                        int channel = (o / (features / groups) * part) + c;
                        sum += xs[((((image * height) + row) * width + column) * channels) + channel] * ws[((((o * part) + c) * kernelHeight + u) * kernelWidth) + v];
                    }
                }
            }

            y[i] = sum;
        }

        return y;
    }
}
