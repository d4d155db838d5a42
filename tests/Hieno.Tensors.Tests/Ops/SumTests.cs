using Hieno.Testing;
using static Hieno.Tensors.Ops;
using static Hieno.Tensors.Tests.OpChecks;

namespace Hieno.Tensors.Tests.Ops;

public sealed class SumTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 7)]
    [InlineData(501, 83)]
    public void Sum_and_mean_are_those_of_double_precision(int rows, int columns)
    {
        foreach (Tensor x in (Tensor[])[Normal([rows, columns], 1), NormalWithGaps([rows, columns], 1)])
        {
            double sum = x.ToDoubles().Sum();
            Tensor y = Sum(x);
            Assert.Equal(0, y.Shape.Rank);
            TensorAssert.Close([sum], y, 1e-4, 1e-6);
            TensorAssert.Close([sum / x.Count], Mean(x), 1e-7, 1e-6);
        }
    }

    [Fact]
    public void Ten_million_equal_numbers_do_not_drift()
    {
        Tensor x = Tensor.CreateLongLived([10_000_000]);
        x.Backend.Fill(x, 0.1f);
        Assert.Equal(0.1f, Mean(x).Item(), 5e-7f); // one running 32-bit sum would be off by a tenth; narrow vectors have longer partial sums
    }

    [Fact]
    public void Gradients_are_those_of_central_differences()
    {
        // The differences are those of a large sum: coarse, and more so where vectors are narrow and partial sums long.
        var coarse = new GradientCheckOptions { Tolerance = 3e-3 };
        Gradient(t => Sum(Mul(t[0], t[0])), [[3, 21]], coarse);
        Gradient(t => Mean(Mul(t[0], t[0])), [[3, 21]], coarse);
        Gradient(t => Add(Sum(t[0]), Mean(Scale(t[0], 2f))), [[3, 21]], coarse);
    }

    [Fact]
    public void All_thread_counts_agree_bit_for_bit() => AllThreadCountsAgree(t => Add(Sum(t[0]), Mean(t[0])), [700, 83]);

    [Fact]
    public void The_mean_of_nothing_is_refused() => Assert.Throws<ShapeException>(() => Mean(Tensor.CreateLongLived([0, 3])));
}
