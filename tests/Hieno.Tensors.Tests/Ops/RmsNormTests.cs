using Hieno.Testing;
using static Hieno.Tensors.Ops;
using static Hieno.Tensors.Tests.OpChecks;

namespace Hieno.Tensors.Tests.Ops;

public sealed class RmsNormTests
{
    [Theory]
    [InlineData(1, 0f)]
    [InlineData(37, 0f)]
    [InlineData(768, 1f)]
    public void Values_are_those_of_the_formula_in_double_precision(int columns, float offset)
    {
        Tensor gain = Normal([columns], 2);
        double[] g = gain.ToDoubles();
        foreach (Tensor x in (Tensor[])[Normal([2, 3, columns], 1), NormalWithGaps([2, 3, columns], 1)])
        {
            double[] expected = [.. x.ToDoubles().Chunk(columns).SelectMany(row =>
            {
                double root = Math.Sqrt((row.Sum(v => v * v) / columns) + 1e-6);
                return row.Select((v, c) => v / root * (g[c] + offset));
            })];
            TensorAssert.Close(expected, RmsNorm(x, gain, 1e-6f, offset), 2e-6, 2e-6);
        }
    }

    [Fact]
    public void Gradients_are_those_of_central_differences()
    {
        Gradient(t => RmsNorm(t[0], t[1]), [[40, 21], [21]]);
        Gradient(t => RmsNorm(t[0], t[1], gainOffset: 1f), [[3, 5], [5]]);
        Gradient(t => Add(RmsNorm(t[0], t[1]), RmsNorm(Scale(t[0], 3f), t[1], eps: 0.1f)), [[3, 21], [21]]);
    }

    [Fact]
    public void All_vector_widths_agree() => AllWidthsAgree(t => RmsNorm(t[0], t[1]), [[50, 83], [83]], 1e-5, 1e-5);

    [Fact]
    public void All_thread_counts_agree_bit_for_bit() => AllThreadCountsAgree(t => RmsNorm(t[0], t[1]), [333, 45], [45]);

    [Fact]
    public void A_wrong_gain_is_named() =>
        Assert.Equal("RmsNorm: gain has shape [5], expected [4].", Assert.Throws<ShapeException>(() => RmsNorm(Normal([2, 4], 1), Normal([5], 2))).Message);
}
