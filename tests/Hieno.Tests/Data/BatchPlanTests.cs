using Hieno.Data;

namespace Hieno.Tests.Data;

public sealed class BatchPlanTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(10, 3)]
    [InlineData(12, 4)]
    [InlineData(5, 100)]
    public void Each_pass_covers_every_row_once(int rows, int batchSize)
    {
        var plan = new BatchPlan(Rows([.. Enumerable.Repeat(3, rows)]), batchSize, packLength: null, seed: 1);
        int[][] epoch = plan.Epoch(0);
        Assert.Equal(plan.BatchesPerEpoch, epoch.Length);
        Assert.Equal((rows + batchSize - 1) / batchSize, epoch.Length);
        Assert.All(epoch.SkipLast(1), batch => Assert.Equal(batchSize, batch.Length));
        Assert.Equal(Enumerable.Range(0, rows), epoch.SelectMany(batch => batch).Order());
    }

    [Fact]
    public void The_order_is_a_function_of_seed_and_pass()
    {
        var plan = new BatchPlan(Rows([.. Enumerable.Repeat(3, 50)]), 4, null, seed: 1);
        var same = new BatchPlan(Rows([.. Enumerable.Repeat(3, 50)]), 4, null, seed: 1);
        Assert.Equal(plan.Epoch(7), same.Epoch(7));
        Assert.Equal(plan.Epoch(0), plan.Epoch(0));
        Assert.NotEqual(plan.Epoch(0), plan.Epoch(1));
        Assert.NotEqual(plan.Epoch(0), new BatchPlan(Rows([.. Enumerable.Repeat(3, 50)]), 4, null, seed: 2).Epoch(0));
    }

    [Fact]
    public void Packs_are_filled_best_fit_longest_first()
    {
        // By hand, room 10: 7, 6, 5 open packs; 4 goes beside 6 (room 4, the least that holds it); 3 beside 7; 2 beside 5, then 2 there too.
        var plan = new BatchPlan(Rows([5, 2, 7, 3, 6, 4, 2]), batchSize: 1, packLength: 10, seed: 1);
        string[] packs = [.. plan.Epoch(0).Select(pack => string.Join(' ', pack)).Order(StringComparer.Ordinal)];
        Assert.Equal(["0 1 6", "2 3", "4 5"], packs);
    }

    [Fact]
    public void Packing_loses_no_row_and_keeps_to_the_length_where_rows_do()
    {
        var random = new Random(5);
        int[] lengths = [.. Enumerable.Range(0, 20_000).Select(_ => random.Next(1, 120))];
        var plan = new BatchPlan(Rows(lengths), batchSize: 1, packLength: 100, seed: 1);
        int[][] packs = plan.Epoch(0);
        Assert.Equal(Enumerable.Range(0, lengths.Length), packs.SelectMany(pack => pack).Order());
        Assert.All(packs, pack => Assert.True(pack.Length == 1 || pack.Sum(i => lengths[i]) <= 100));
        int least = (int)Math.Ceiling(lengths.Where(length => length <= 100).Sum() / 100.0) + lengths.Count(length => length > 100);
        Assert.True(packs.Length <= 1.02 * least, $"{packs.Length} packs, at least {least} are needed");
    }

    [Fact]
    public void Evaluation_reads_rows_in_their_own_order()
    {
        IReadOnlyList<Example> rows = Rows([1, 2, 3, 4, 5]);
        Assert.Equal(rows, BatchPlan.InOrder(rows, 2).SelectMany(batch => batch));
        Assert.Equal([2, 2, 1], BatchPlan.InOrder(rows, 2).Select(batch => batch.Length));
    }

    private static IReadOnlyList<Example> Rows(int[] lengths) => [.. lengths.Select(length => new Example { Ids = new int[length], Source = "row" })];
}
