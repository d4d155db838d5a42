using Hieno.Training;

namespace Hieno.Tests.Training;

public sealed class BackwardKnapsackTests
{
    // The five tensors of the authors' demonstration; their own program gives 18 for the last budget, which brute force beats.
    [Theory]
    [InlineData(7, 3.0, "01000")]
    [InlineData(10, 10.0, "00100")]
    [InlineData(14, 13.0, "01100")]
    [InlineData(19, 21.0, "01111")]
    public void The_demonstration_of_the_authors_gets_its_best_choice(int limit, double worth, string expected)
    {
        double[] importance = [1, 3, 10, 5, 3];
        bool[] chosen = BackwardKnapsack.Choose([0, 2, 1, 4, 0], [5, 1, 7, 3, 1], importance, limit);
        Assert.Equal(expected, string.Concat(chosen.Select(taken => taken ? '1' : '0')));
        Assert.Equal(worth, importance.Where((_, i) => chosen[i]).Sum());
    }

    [Fact]
    public void No_choice_within_the_budget_is_worth_more()
    {
        var random = new Random(5);
        int full = 0;
        for (int trial = 0; trial < 400; trial++)
        {
            int count = random.Next(1, 10);
            int[] passing = [.. Enumerable.Range(0, count).Select(_ => random.Next(0, 6))];
            int[] weights = [.. Enumerable.Range(0, count).Select(_ => random.Next(0, 9))];
            double[] importance = [.. Enumerable.Range(0, count).Select(_ => random.Next(-2, 12) / 4.0)];
            int limit = random.Next(0, passing.Sum() + weights.Sum() + 2);
            bool[] chosen = BackwardKnapsack.Choose(passing, weights, importance, limit);
            Assert.True(Cost(passing, weights, chosen) <= limit);
            Assert.Equal(BestOf(passing, weights, importance, limit), Worth(importance, chosen), 1e-12);
            full += chosen.Count(taken => taken) > 2 ? 1 : 0;
        }

        Assert.True(full > 100, $"only {full} of the choices took more than two");
    }

    [Fact]
    public void What_is_worth_nothing_or_cannot_be_measured_is_never_chosen()
    {
        Assert.Equal([false, true, false], BackwardKnapsack.Choose([0, 1, 1], [1, 1, 1], [-1, 2, double.NaN], 100));
        Assert.Equal([false, false], BackwardKnapsack.Choose([0, 0], [3, 4], [1, 1], 2));
    }

    private static double BestOf(int[] passing, int[] weights, double[] importance, int limit)
    {
        double best = 0;
        for (int set = 1; set < 1 << weights.Length; set++)
        {
            bool[] chosen = [.. weights.Select((_, k) => ((set >> k) & 1) == 1)];
            best = Cost(passing, weights, chosen) <= limit ? Math.Max(best, Worth(importance, chosen)) : best;
        }

        return best;
    }

    private static int Cost(int[] passing, int[] weights, bool[] chosen) =>
        passing.Take(Array.LastIndexOf(chosen, true) + 1).Sum() + weights.Where((_, k) => chosen[k]).Sum();

    private static double Worth(double[] importance, bool[] chosen) => importance.Where((_, k) => chosen[k]).Sum();
}
