using Hieno.Advice;
using Hieno.Data;

namespace Hieno.Tests.Advice;

public sealed class StepBatchTests
{
    private static readonly Example[] s_rows = [.. Enumerable.Range(1, 12).Select(length => new Example { Ids = new int[length], Source = "row" })];

    [Fact]
    public void The_largest_batch_that_the_run_will_read_counts()
    {
        var recipe = GoodRun.Facts.Recipe with { Training = GoodRun.Facts.Recipe.Training with { BatchSize = 4, Epochs = 2 } };
        var plan = new BatchPlan(s_rows, 4, null, seed: 3);
        long expected = plan.Epoch(0).Concat(plan.Epoch(1)).Max(batch => batch.Sum(i => i + 1));
        Assert.Equal(new StepBatch(expected, 4, Checkpointing: false), StepBatch.Of(recipe, plan, s_rows, learned: null));
        Assert.Equal((expected + 1) / 2, StepBatch.Of(recipe, plan, s_rows, learned: 0.5).Read);
    }

    [Fact]
    public void A_pack_of_rows_counts_as_one()
    {
        var recipe = GoodRun.Facts.Recipe with { Training = GoodRun.Facts.Recipe.Training with { BatchSize = 1 } };
        Assert.Equal(13, StepBatch.Of(recipe, new BatchPlan(s_rows, 1, 13, seed: 3), s_rows, learned: 1).Tokens); // 12 + 1, 11 + 2, …
    }
}
