using Hieno.Testing;
using static Hieno.Tensors.Ops;
using static Hieno.Tensors.Tests.OpChecks;

namespace Hieno.Tensors.Tests.Ops;

public sealed class LayerNormTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(37)]
    [InlineData(768)]
    public void Values_are_those_of_the_formula_in_double_precision(int columns)
    {
        Tensor gain = Normal([columns], 2);
        Tensor bias = Normal([columns], 3);
        foreach (Tensor x in (Tensor[])[Normal([2, 3, columns], 1), NormalWithGaps([2, 3, columns], 1)])
        {
            Tensor y = LayerNorm(x, gain, bias, 1e-5f);
            Assert.Equal(x.Shape, y.Shape);
            TensorAssert.Close(Reference(x.ToDoubles(), gain.ToDoubles(), bias.ToDoubles(), 1e-5), y, 3e-6, 3e-6);
            TensorAssert.Close(Reference(x.ToDoubles(), gain.ToDoubles(), new double[columns], 1e-5), LayerNorm(x, gain, null, 1e-5f), 3e-6, 3e-6);
            double[] ones = [.. Enumerable.Repeat(1.0, columns)];
            TensorAssert.Close(Reference(x.ToDoubles(), ones, new double[columns], 1e-5), LayerNorm(x, null, null, 1e-5f), 3e-6, 3e-6);
        }
    }

    [Fact]
    public void A_large_mean_does_not_cancel_the_variance()
    {
        Tensor x = Normal([4, 64], 1, mean: 1000f, std: 0.5f);
        Tensor y = LayerNorm(x, null, null, 1e-5f);
        double[] ones = [.. Enumerable.Repeat(1.0, 64)];
        TensorAssert.Close(Reference(x.ToDoubles(), ones, new double[64], 1e-5), y, 2e-4, 0); // the mean itself is known to 1000 · 2⁻²⁴
    }

    [Fact]
    public void A_constant_row_gives_the_bias()
    {
        Tensor bias = Normal([5], 3);
        Tensor y = LayerNorm(Tensor.FromValues([1, 5], [2f, 2f, 2f, 2f, 2f]), Normal([5], 2), bias);
        TensorAssert.Identical(bias.ToArray(), y);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(21)]
    public void Gradients_are_those_of_central_differences(int columns)
    {
        Gradient(t => LayerNorm(t[0], t[1], t[2]), [[40, columns], [columns], [columns]]);
        Gradient(t => LayerNorm(t[0], t[1], null), [[3, columns], [columns]]);
        Gradient(t => LayerNorm(t[0], null, t[1]), [[3, columns], [columns]]);
        Gradient(t => LayerNorm(t[0], null, null), [[3, columns]]);
    }

    [Fact]
    public void Gradients_add_up_where_a_tensor_is_used_twice()
    {
        Gradient(t => Add(LayerNorm(t[0], t[1], t[2]), LayerNorm(Scale(t[0], 2f), t[1], t[2])), [[5, 19], [19], [19]]);
    }

    [Fact]
    public void All_vector_widths_agree() => AllWidthsAgree(t => LayerNorm(t[0], t[1], t[2]), [[50, 83], [83], [83]], 1e-5, 1e-5);

    [Fact]
    public void All_thread_counts_agree_bit_for_bit() => AllThreadCountsAgree(t => LayerNorm(t[0], t[1], t[2]), [333, 45], [45], [45]);

    [Fact]
    public void Wrong_shapes_are_named()
    {
        Tensor x = Normal([2, 4], 1);
        var error = Assert.Throws<ShapeException>(() => LayerNorm(x, Normal([5], 2), null));
        Assert.Equal("LayerNorm: gain has shape [5], expected [4].", error.Message);
        Assert.Contains("bias has shape [4, 1]", Assert.Throws<ShapeException>(() => LayerNorm(x, null, Normal([4, 1], 2))).Message);
        Tensor half = Tensor.CreateLongLived([4], DType.BF16);
        Assert.Contains("gain is stored as BF16", Assert.Throws<ArgumentException>(() => LayerNorm(x, half, null)).Message);
    }

    private static double[] Reference(double[] x, double[] gain, double[] bias, double eps)
    {
        int columns = gain.Length;
        double[] y = new double[x.Length];
        for (int start = 0; start < x.Length; start += columns)
        {
            double[] row = x[start..(start + columns)];
            double mean = row.Average();
            double variance = row.Sum(v => (v - mean) * (v - mean)) / columns;
            for (int c = 0; c < columns; c++)
            {
                y[start + c] = ((row[c] - mean) / Math.Sqrt(variance + eps) * gain[c]) + bias[c];
            }
        }

        return y;
    }
}
