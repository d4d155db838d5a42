using Hieno.Merging;

namespace Hieno.Tests.Merging;

public sealed class ChangeMergeTests
{
    // Values of an independent derivation in 64 bits.
    private static readonly float[] s_first = [1, -2, 0.3f, 0.1f];
    private static readonly float[] s_second = [-0.5f, -1, 0.6f, 0];

    [Fact]
    public void Ties_gives_the_values_worked_out_by_hand() =>
        AssertClose([1, -1.5, 0.6, 0], Merge(new MergeOptions { Method = MergeMethod.Ties, Density = 0.5 }, [1, 1], s_first, s_second));

    [Fact]
    public void Ties_divides_weighted_changes_by_how_many_agree() =>
        AssertClose([2, (-4 - 0.5) / 2, 0.3, 0], Merge(new MergeOptions { Method = MergeMethod.Ties, Density = 0.5 }, [2, 0.5], s_first, s_second));

    [Fact]
    public void A_majority_outvotes_a_large_change()
    {
        float[][] changes = [[-5], [1], [2]];
        AssertClose([-5], Merge(new MergeOptions { Method = MergeMethod.Ties, Density = 1 }, [1, 1, 1], changes));
        AssertClose([1.5], Merge(new MergeOptions { Method = MergeMethod.Ties, Density = 1, Election = SignElection.Frequency }, [1, 1, 1], changes));
    }

    [Fact]
    public void Magnitude_pruning_keeps_the_largest_and_the_first_of_equal_ones() =>
        AssertClose([0, 3, -3, 2, 0], Merge(new MergeOptions { Method = MergeMethod.MagnitudePrune, Density = 0.6 }, [1], [1, 3, -3, 2, 2]));

    [Fact]
    public void A_share_of_less_than_one_element_keeps_none() =>
        AssertClose([0, 0, 0, 0], Merge(new MergeOptions { Method = MergeMethod.MagnitudePrune, Density = 0.2 }, [1], s_first));

    [Fact]
    public void The_largest_of_many_are_those_that_sorting_finds()
    {
        float[] values = new float[200_000];
        new Hieno.Tensors.Rng(5, Hieno.Tensors.RngStream.Initialization).FillNormal(values, 0, 1, step: 1);
        double[] merged = Merge(new MergeOptions { Method = MergeMethod.MagnitudePrune, Density = 0.1 }, [1], values);

        float limit = values.Select(Math.Abs).OrderDescending().ElementAt(20_000 - 1);
        Assert.Equal(values.Select(value => Math.Abs(value) >= limit ? value : 0.0), merged);
    }

    [Fact]
    public void Dare_keeps_the_expected_change_and_draws_anew_for_each_seed()
    {
        float[] ones = [.. Enumerable.Repeat(1f, 100_000)];
        double[] merged = Merge(new MergeOptions { Method = MergeMethod.DareLinear, Density = 0.25 }, [0.5], ones);

        Assert.All(merged, value => Assert.True(value is 0 or 2, $"{value}")); // 0.5 · 1 / 0.25
        Assert.Equal(0.5, merged.Average(), 0.02);
        Assert.Equal(merged, Merge(new MergeOptions { Method = MergeMethod.DareLinear, Density = 0.25 }, [0.5], ones));
        Assert.NotEqual(merged, Merge(new MergeOptions { Method = MergeMethod.DareLinear, Density = 0.25, Seed = 7 }, [0.5], ones));
    }

    [Fact]
    public void Two_changes_are_dropped_at_different_places()
    {
        float[] ones = [.. Enumerable.Repeat(1f, 10_000)];
        double[] merged = Merge(new MergeOptions { Method = MergeMethod.DareTies, Density = 0.5 }, [1, 1], ones, ones);

        // Each survives at half the places, doubled; the mean is over those that do. A quarter has neither.
        Assert.Equal(0.25, merged.Count(value => value == 0) / 10_000.0, 0.02);
        Assert.All(merged, value => Assert.True(value is 0 or 2, $"{value}"));
    }

    [Theory]
    [InlineData(MergeMethod.MagnitudePrune)]
    [InlineData(MergeMethod.DareLinear)]
    [InlineData(MergeMethod.Linear)]
    public void With_all_kept_every_weighted_rule_is_the_sum(MergeMethod method) =>
        AssertClose([1.5, -5, 1.2, 0.2], Merge(new MergeOptions { Method = method, Density = 1 }, [2, 1], s_first, s_second));

    [Theory]
    [InlineData(0)]
    [InlineData(1.5)]
    [InlineData(double.NaN)]
    public void A_density_out_of_range_is_refused(double density) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new MergeOptions { Density = density }.Validate());

    private static void AssertClose(double[] expected, double[] actual) => Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, 1e-6));

    private static double[] Merge(MergeOptions options, double[] weights, params float[][] changes)
    {
        double[] result = new double[changes[0].Length];
        var merge = new ChangeMerge(options, "w", result.Length, weights, (index, start, into) => changes[index].AsSpan((int)start, into.Length).CopyTo(into));
        for (int start = 0; start < result.Length; start += ChangeMerge.Piece)
        {
            merge.Next(start, result.AsSpan(start, Math.Min(ChangeMerge.Piece, result.Length - start)));
        }

        return result;
    }
}
