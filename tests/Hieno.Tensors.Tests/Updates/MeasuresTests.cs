using Hieno.Tensors.Cpu;
using Hieno.Testing;
using Hieno.Tests.Shared;
using static Hieno.Tensors.Tests.OpChecks;
using static Hieno.Tensors.Updates;

namespace Hieno.Tensors.Tests.Updates;

public sealed class MeasuresTests
{
    [Theory]
    [InlineData(1f)]
    [InlineData(1e-19f)]
    [InlineData(1e-22f)]
    [InlineData(1e30f)]
    public void The_squared_norm_is_that_of_double_precision_for_any_magnitude(float scale)
    {
        foreach (Tensor x in (Tensor[])[Normal([300, 41], 1), NormalWithGaps([300, 41], 1), Normal([3], 1)])
        {
            ScaleInPlace(x, scale);
            double expected = x.ToDoubles().Sum(value => value * value);
            Assert.Equal(1, SquaredNorm(x) / expected, 1e-6);
        }
    }

    [Fact]
    public void The_squared_norm_is_the_same_for_any_number_of_threads()
    {
        double[] norms = [.. ((int[])[1, 2, 3, 8]).Select(threads =>
        {
            using var backend = new CpuBackend(threads);
            return SquaredNorm(Normal([100_003], 1, backend: backend));
        })];
        Assert.All(norms, norm => Assert.Equal(BitConverter.DoubleToInt64Bits(norms[0]), BitConverter.DoubleToInt64Bits(norm)));
    }

    [Fact]
    public void Elements_that_are_not_finite_are_counted_wherever_they_stand()
    {
        foreach (SimdWidth width in Widths)
        {
            using var backend = new CpuBackend(2, width);
            Tensor x = Normal([40_003], 1, backend: backend);
            Assert.Equal(0, CountNonFinite(x));
            (x.Span[0], x.Span[17], x.Span[39_999], x.Span[40_002]) = (float.NaN, float.PositiveInfinity, float.NegativeInfinity, float.NaN);
            Assert.Equal(4, CountNonFinite(x));
            Assert.True(double.IsNaN(SquaredNorm(x)));
            x.Backend.Fill(x, float.NaN);
            Assert.Equal(40_003, CountNonFinite(x));
        }
    }

    [Fact]
    public void Nothing_has_norm_zero()
    {
        Assert.Equal(0, SquaredNorm(Tensor.CreateLongLived([0])));
        Assert.Equal(0, SquaredNorm(Tensor.CreateLongLived([100])));
        Assert.Equal(0, CountNonFinite(Tensor.CreateLongLived([0, 3])));
    }

    [Fact]
    public void Scaling_in_place_leaves_the_gaps_between_rows_alone()
    {
        Tensor wide = Normal([4, 30], 1);
        float[] before = wide.ToArray();
        ScaleInPlace(wide.ColumnRange(2, 20), -3f);
        float[] after = wide.ToArray();
        for (int i = 0; i < before.Length; i++)
        {
            Assert.Equal(i % 30 is >= 2 and < 22 ? before[i] * -3f : before[i], after[i]);
        }
    }

    [SkippableFact]
    [Trait("tier", "golden")]
    public void Clipping_by_the_norm_gives_the_gradients_of_the_reference()
    {
        GoldenFile golden = GoldenFile.Require("golden/misc/optimizers.safetensors");
        Tensor[] grads = [.. ((string[])["w", "b"]).Select(part => Tensor.FromValues(Shape.Create(golden.ShapeOf("init." + part)), golden["clip." + part]))];
        double clipped = Math.Sqrt(grads.Sum(SquaredNorm));
        Assert.True(golden["clip.total_norm"][0] > clipped, "the reference was clipped");
        Assert.Equal(Math.Round(clipped, 5), clipped, 1e-5); // a round limit
    }
}
