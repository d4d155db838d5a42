namespace Hieno.Tensors.Tests.Ops;

/// <summary>Expected numbers are written out by hand from the formulas of the papers, with bases and widths that make them round.</summary>
public sealed class RopeFrequenciesTests
{
    [Fact]
    public void Default_frequencies_fall_geometrically() =>
        Near([1, 0.1, 0.01, 0.001], RopeFrequencies.Default(10000, 8));

    [Fact]
    public void Linear_scaling_divides_all() =>
        Near([0.25, 0.025, 0.0025, 0.00025], RopeFrequencies.Linear(10000, 8, factor: 4));

    [Fact]
    public void Dynamic_scaling_begins_beyond_the_trained_length()
    {
        Near([1, 0.1, 0.01, 0.001], RopeFrequencies.Dynamic(10000, 8, factor: 2, trainedPositions: 16, length: 16));
        Near([1, 0.1, 0.01, 0.001], RopeFrequencies.Dynamic(10000, 8, factor: 2, trainedPositions: 16, length: 3));

        // Length 24: 2 · 1.5 − 1 = 2, the base becomes 10000 · 2^(8/6).
        double scaled = 10000 * Math.Pow(2, 8.0 / 6);
        Near([1, Math.Pow(scaled, -0.25), Math.Pow(scaled, -0.5), Math.Pow(scaled, -0.75)], RopeFrequencies.Dynamic(10000, 8, 2, 16, 24));
    }

    [Fact]
    public void Llama3_scaling_keeps_short_waves_slows_long_ones_and_blends_between()
    {
        // Wavelengths 2π·(1, 10, 100, 1000) against an original length of 400: limits are 400/4 = 100 and 400/1 = 400.
        // The first two are shorter than 100, the third (628) and fourth longer than 400.
        Near([1, 0.1, 0.01 / 8, 0.001 / 8], RopeFrequencies.Llama3(10000, 8, factor: 8, lowFactor: 1, highFactor: 4, trainedPositions: 400));

        // Original length 1000: the third lies between 250 and 1000, with s = (1000/628.3 − 1)/3.
        double s = ((1000 / (200 * Math.PI)) - 1) / 3;
        Near([1, 0.1, ((1 - s) * 0.01 / 8) + (s * 0.01), 0.001 / 8], RopeFrequencies.Llama3(10000, 8, 8, 1, 4, 1000));
    }

    [Fact]
    public void Yarn_ramps_between_the_two_numbers_of_turns()
    {
        // With θ = e⁸ and 8 lanes, lane i turns 2π·… times: LaneOf(t) = 8·ln(P/(2πt))/16 = ln(P/(2πt))/2. P = 2π·e⁶, so that
        // LaneOf(e⁴) = 1 and LaneOf(e) = 2.5, rounded up to 3 with truncation.
        double theta = Math.Exp(8);
        double p = 2 * Math.PI * Math.Exp(6);
        int positions = (int)Math.Round(p);
        double LaneOf(double turns) => Math.Log(positions / (2 * Math.PI * turns)) / 2;
        double[] f = [1, Math.Exp(-2), Math.Exp(-4), Math.Exp(-6)];

        double fast = Math.Exp(4) * 0.999; // a hair above lane 1, so that it rounds down to it
        Near([f[0], f[1], f[2] * (0.5 + (0.5 / 4)), f[3] / 4], RopeFrequencies.Yarn(theta, 8, factor: 4, positions, fast, Math.Exp(1)));

        double low = LaneOf(fast);
        double high = LaneOf(Math.Exp(1));
        double m = (2 - low) / (high - low);
        Near([f[0], f[1], (f[2] / 4 * m) + (f[2] * (1 - m)), f[3] / 4], RopeFrequencies.Yarn(theta, 8, 4, positions, fast, Math.Exp(1), truncate: false));
    }

    [Fact]
    public void Yarn_scales_attention_by_the_logarithm_of_the_factor()
    {
        Assert.Equal((0.1 * Math.Log(4)) + 1, RopeFrequencies.YarnAttentionFactor(4), 1e-12);
        Assert.Equal(1, RopeFrequencies.YarnAttentionFactor(0.5));
        Assert.Equal(((0.1 * Math.Log(8)) + 1) / ((0.08 * Math.Log(8)) + 1), RopeFrequencies.YarnAttentionFactor(8, 1, 0.8), 1e-12);
        Assert.Equal((0.1 * Math.Log(8)) + 1, RopeFrequencies.YarnAttentionFactor(8, mscale: 0.7, mscaleAllDim: 0), 1e-12);
    }

    [Fact]
    public void LongRope_divides_each_frequency_by_its_own_factor()
    {
        Near([1, 0.05, 0.0025, 0.0001], RopeFrequencies.LongRope(10000, [1, 2, 4, 10]));
        Assert.Equal(Math.Sqrt(1.5), RopeFrequencies.LongRopeAttentionFactor(64, 16), 1e-12); // ln 4 / ln 16 = 1/2
        Assert.Equal(1, RopeFrequencies.LongRopeAttentionFactor(16, 16));
    }

    [Fact]
    public void Nonsense_is_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => RopeFrequencies.Default(10000, 7));
        Assert.Throws<ArgumentOutOfRangeException>(() => RopeFrequencies.Default(0, 8));
        Assert.Throws<ArgumentOutOfRangeException>(() => RopeFrequencies.Linear(10000, 8, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => RopeFrequencies.Llama3(10000, 8, 8, 4, 4, 100));
        Assert.Throws<ArgumentOutOfRangeException>(() => RopeFrequencies.Dynamic(10000, 2, 2, 16, 20));
        Assert.Throws<ArgumentException>(() => RopeFrequencies.LongRope(10000, []));
        Assert.Throws<ArgumentException>(() => RopeFrequencies.LongRope(10000, [1, 0]));
    }

    private static void Near(double[] expected, double[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.Equal(1, actual[i] / expected[i], 1e-9);
        }
    }
}
