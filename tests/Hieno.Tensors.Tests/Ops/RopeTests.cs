using System.Numerics;
using Hieno.Tensors.Cpu;
using static Hieno.Tensors.Ops;

namespace Hieno.Tensors.Tests.Ops;

public sealed class RopeTests
{
    private static readonly int[] s_positions = [0, 1, 2, 700, 3, 0];

    [Theory]
    [InlineData(8, 8, RopeLayout.HalfSplit)]
    [InlineData(80, 80, RopeLayout.HalfSplit)]
    [InlineData(64, 24, RopeLayout.HalfSplit)]
    [InlineData(8, 8, RopeLayout.Interleaved)]
    [InlineData(64, 24, RopeLayout.Interleaved)]
    public void Pairs_of_lanes_turn_like_complex_numbers(int headWidth, int rotated, RopeLayout layout)
    {
        const double Factor = 1.25;
        Tensor x = TestTensors.Random([6, 3 * headWidth], seed: 1, gap: 7);
        double[] frequencies = RopeFrequencies.Default(10000, rotated);
        float[] actual = Rope(x, new RopeTable(frequencies, Factor), s_positions, headWidth, layout).ToArray();
        double[] expected = TestTensors.Double(x.ToArray());
        for (int row = 0; row < 6; row++)
        {
            for (int head = 0; head < 3; head++)
            {
                int at = ((row * 3) + head) * headWidth;
                for (int i = 0; i < rotated / 2; i++)
                {
                    (int re, int im) = layout == RopeLayout.HalfSplit ? (at + i, at + i + (rotated / 2)) : (at + (2 * i), at + (2 * i) + 1);
                    Complex turned = new Complex(expected[re], expected[im]) * Complex.FromPolarCoordinates(Factor, s_positions[row] * frequencies[i]);
                    (expected[re], expected[im]) = (turned.Real, turned.Imaginary);
                }
            }
        }

        TestTensors.Close(expected, actual, 1e-6);
    }

    [Theory]
    [InlineData(RopeLayout.HalfSplit)]
    [InlineData(RopeLayout.Interleaved)]
    public void Gradients_agree_with_central_differences(RopeLayout layout)
    {
        Tensor x = TestTensors.Random([6, 20], seed: 2, trained: true);
        var table = new RopeTable(RopeFrequencies.Default(100, 6), attentionFactor: 0.8);
        TestTensors.CheckGradients(() => Rope(x, table, s_positions, headWidth: 10, layout), x);
        TestTensors.CheckGradients(() => Add(Rope(x, table, s_positions, headWidth: 10, layout), x), x);
    }

    [Fact]
    public void Scores_depend_on_the_distance_of_two_tokens_only()
    {
        Tensor x = TestTensors.Random([1, 32], seed: 3);
        Tensor z = TestTensors.Random([1, 32], seed: 4);
        var table = new RopeTable(RopeFrequencies.Default(10000, 32));
        double Score(int i, int j) =>
            Rope(x, table, [i], 32).ToArray().Zip(Rope(z, table, [j], 32).ToArray(), (a, b) => (double)a * b).Sum();
        Assert.Equal(Score(5, 2), Score(1005, 1002), 1e-5);
        Assert.NotEqual(Score(5, 2), Score(5, 3), 1e-2);
    }

    [Fact]
    public void A_growing_table_keeps_its_values_and_far_positions_stay_exact()
    {
        Tensor x = TestTensors.Random([1, 4], seed: 5);
        var table = new RopeTable(RopeFrequencies.Default(10000, 4));
        float[] before = Rope(x, table, [3], 4).ToArray();
        const int Far = 100_003;
        float[] far = Rope(x, table, [Far], 4).ToArray();
        TestTensors.SameBits(before, Rope(x, table, [3], 4).ToArray());
        float[] v = x.ToArray();
        (double sin, double cos) = Math.SinCos(Far * 0.01);
        Assert.Equal((v[1] * cos) - (v[3] * sin), far[1], 1e-6);
    }

    [Fact]
    public void Widths_and_thread_counts_agree()
    {
        int[] positions = [.. Enumerable.Range(0, 200)];
        double[] frequencies = RopeFrequencies.Default(10000, 40);
        float[] RunOn(CpuBackend backend) =>
            Rope(TestTensors.Random([200, 160], seed: 6, backend), new RopeTable(frequencies, backend: backend), positions, headWidth: 80).ToArray();
        float[] scalar = RunOn(TestTensors.Widths[0]);
        Assert.All(TestTensors.Widths, backend => TestTensors.Close(TestTensors.Double(scalar), RunOn(backend), 2e-6));
        float[] alone = RunOn(TestTensors.Teams[0]);
        Assert.All(TestTensors.Teams, backend => TestTensors.SameBits(alone, RunOn(backend)));
    }

    [Fact]
    public void Shapes_that_do_not_fit_are_named()
    {
        Tensor x = TestTensors.Random([2, 16], seed: 7);
        var table = new RopeTable(RopeFrequencies.Default(10000, 8));
        Assert.Contains("heads of 5", Assert.Throws<ShapeException>(() => Rope(x, table, [0, 1], 5)).Message, StringComparison.Ordinal);
        Assert.Contains("rotates 8", Assert.Throws<ShapeException>(() => Rope(x, table, [0, 1], 4)).Message, StringComparison.Ordinal);
        Assert.Contains("3 positions", Assert.Throws<ShapeException>(() => Rope(x, table, [0, 1, 2], 8)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => Rope(x, table, [0, -1], 8));
        Assert.Throws<ArgumentException>(() => new RopeTable([]));
        Assert.Throws<ArgumentException>(() => new RopeTable([1, double.NaN]));
    }
}
