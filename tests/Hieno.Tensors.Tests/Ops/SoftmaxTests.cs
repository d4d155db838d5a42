using Hieno.Testing;
using static Hieno.Tensors.Ops;
using static Hieno.Tensors.Tests.OpChecks;

namespace Hieno.Tensors.Tests.Ops;

public sealed class SoftmaxTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(37)]
    [InlineData(1000)]
    public void Values_are_those_of_double_precision(int columns)
    {
        foreach (Tensor x in (Tensor[])[Normal([2, 3, columns], 1), NormalWithGaps([2, 3, columns], 1)])
        {
            TensorAssert.Close(Reference(x.ToDoubles(), columns), Softmax(x), 1e-9, 2e-6);
        }
    }

    [Fact]
    public void Large_scores_and_masked_places_are_exact()
    {
        Tensor x = Tensor.FromValues([2, 3], [1000f, 1001f, float.NegativeInfinity, -3e38f, 3e38f, 0f]);
        double p = 1 / (1 + Math.E);
        TensorAssert.Close([p, 1 - p, 0, 0, 1, 0], Softmax(x), 1e-7, 1e-6);
    }

    [Fact]
    public void A_row_with_a_NaN_or_nothing_but_masked_places_is_NaN_and_the_others_are_not()
    {
        float minus = float.NegativeInfinity;
        foreach (int columns in (int[])[3, 40])
        {
            float[] rows = [.. Enumerable.Repeat(minus, columns), .. Enumerable.Repeat(0f, columns), .. Enumerable.Repeat(1f, columns)];
            rows[columns] = float.NaN;
            float[] y = Softmax(Tensor.FromValues([3, columns], rows)).ToArray();
            Assert.All(y[..(2 * columns)], value => Assert.True(float.IsNaN(value)));
            Assert.All(y[(2 * columns)..], value => Assert.Equal(1f / columns, value, 1e-7f));
        }
    }

    [Fact]
    public void Gradients_are_those_of_central_differences()
    {
        Gradient(t => Softmax(t[0]), [[3, 21]]);
        Gradient(t => Add(Softmax(t[0]), Softmax(Scale(t[0], -2f))), [[5, 6]]);
    }

    [Fact]
    public void All_vector_widths_agree() => AllWidthsAgree(t => Softmax(t[0]), [[5, 83]]);

    [Fact]
    public void All_thread_counts_agree_bit_for_bit() => AllThreadCountsAgree(t => Softmax(t[0]), [700, 83]);

    private static double[] Reference(double[] x, int columns) =>
        [.. x.Chunk(columns).SelectMany(row =>
        {
            double sum = row.Sum(Math.Exp);
            return row.Select(value => Math.Exp(value) / sum);
        })];
}
