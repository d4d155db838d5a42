using Hieno.Advice;
using Hieno.Advice.Rules;
using Hieno.Data;
using Hieno.Recipes;
using Hieno.Training;
using Hieno.Tuning;

namespace Hieno.Tests.Advice.Rules;

public sealed class RulesTests
{
    [Fact]
    public void All_weights_learn_where_the_base_knows_little_and_the_output_layer_alone_where_it_knows_most()
    {
        Assert.Equal("full", Method(Facts(similarity: 0.4)));
        Assert.Equal("head", Method(Facts(similarity: 0.8)));
        Assert.Equal("full", Method(Facts(similarity: 0.8).WithRun(run => run.WithRows(rows => rows with { Train = 5_000 }))));
    }

    [Fact]
    public void An_adapter_learns_where_all_weights_do_not_fit_or_are_very_many()
    {
        Assert.Equal("lora", Method(Facts(bytes: method => method == "full" ? 101 : 50)));
        Assert.Equal("full", Method(Facts(bytes: method => method == "full" ? 100 : 50)));
        Assert.Equal("lora", Method(Facts().WithRun(run => run with { Weights = 1_000_000_000 })));
    }

    [Fact]
    public void A_method_that_was_chosen_on_purpose_is_kept()
    {
        AdviceFacts facts = Facts(similarity: 0.9).WithRun(run => run with { Method = "ia3", Recipe = run.Recipe with { Tuning = new IA3Options() } });
        Assert.True(new MethodRule().Advise(facts)!.IsFollowed);
    }

    [Fact]
    public void The_lower_half_is_frozen_where_the_base_knows_the_task_and_rows_are_few()
    {
        Assert.Equal(new PartialOptions { FreezeFirst = 6 }, Followed<FrozenDepthRule>(Facts(similarity: 0.6)).Tuning);
        Assert.True(new FrozenDepthRule().Advise(Facts(similarity: 0.4))!.IsFollowed);
        Assert.True(new FrozenDepthRule().Advise(Facts(similarity: 0.6).WithRun(run => run.WithRows(rows => rows with { Train = 5_000 })))!.IsFollowed);
        Assert.Null(new FrozenDepthRule().Advise(Facts().WithRun(run => run with { Recipe = run.Recipe with { Tuning = new HeadOptions() } })));
    }

    [Fact]
    public void A_rate_outside_the_band_is_moved_to_its_middle_and_one_inside_is_left()
    {
        Assert.True(new LearningRateRule().Advise(Facts())!.IsFollowed);
        Assert.Equal(2.2e-5, Followed<LearningRateRule>(Facts().With(training => training with { LearningRate = 6e-5 })).Training.LearningRate!.Value, 1e-9);
    }

    [Fact]
    public void Passes_are_brought_to_what_is_usual_for_the_number_of_rows()
    {
        Assert.True(new EpochsRule().Advise(Facts())!.IsFollowed);
        Assert.Equal(10, Followed<EpochsRule>(Facts().With(training => training with { Epochs = 2 })).Training.Epochs);
        Assert.Equal(20, Followed<EpochsRule>(Facts().With(training => training with { Epochs = 90, EarlyStopping = null })).Training.Epochs);
        Assert.True(new EpochsRule().Advise(Facts().With(training => training with { Epochs = 90 }))!.IsFollowed); // early stopping ends them
        Assert.Null(new EpochsRule().Advise(Facts().WithRun(run => run with { Recipe = run.Recipe with { Start = Start.Random } })));
    }

    [Fact]
    public void Rows_of_a_step_are_brought_to_what_is_usual_and_split_where_they_do_not_fit()
    {
        Assert.True(new BatchSizeRule().Advise(Facts())!.IsFollowed);
        Assert.Equal(16, Followed<BatchSizeRule>(Facts().With(training => training with { BatchSize = 400 })).Training.BatchSize);
        Assert.Equal(8, Followed<BatchSizeRule>(Facts().With(training => training with { BatchSize = 1 })).Training.BatchSize);
        TrainingOptions split = Followed<BatchSizeRule>(Facts(bytes: _ => 0, bytesPerRow: 30)).Training; // three rows fit
        Assert.Equal((2, 8), (split.BatchSize, split.Accumulation));
    }

    [Fact]
    public void Blocks_are_computed_twice_only_where_nothing_else_fits()
    {
        Assert.Null(new CheckpointingRule().Advise(Facts()));
        Assert.True(Followed<CheckpointingRule>(Facts(bytes: _ => 101)).Training.GradientCheckpointing);
    }

    [Fact]
    public void A_random_head_is_warmed_up_rows_are_held_out_and_long_runs_are_stopped()
    {
        Assert.Null(new WarmupRule().Advise(Facts()));
        Assert.Equal(0.1, Followed<WarmupRule>(Facts().With(training => training with { WarmupRatio = 0 })).Training.WarmupRatio);
        Assert.Null(new ValidationRule().Advise(Facts()));
        AdviceFacts unwatched = Facts().WithRun(run => run.WithRows(rows => rows with { Validation = 0 }) with { Recipe = run.Recipe with { Data = new DataOptions { Train = ["t"] }, Training = run.Recipe.Training with { EarlyStopping = null } } });
        Assert.Equal("10%", Followed<ValidationRule>(unwatched).Data.Validation);
        Assert.Null(new StoppingRule().Advise(unwatched));
        Assert.NotNull(Followed<StoppingRule>(Facts().With(training => training with { EarlyStopping = null })).Training.EarlyStopping);
        Assert.Null(new StoppingRule().Advise(Facts().With(training => training with { EarlyStopping = null, Epochs = 3 })));
    }

    private static string Method(AdviceFacts facts) => new MethodRule().Advise(facts)!.Advised;

    private static Recipe Followed<TRule>(AdviceFacts facts)
        where TRule : IAdviceRule, new() => new TRule().Advise(facts)!.Change!(facts.Recipe);

    // 100 bytes beyond the program's own are free.
    private static AdviceFacts Facts(double similarity = 0.4, Func<string, long>? bytes = null, long bytesPerRow = 0) => new()
    {
        Run = GoodRun.Facts,
        Similarity = new Similarity(similarity, "measured"),
        FreeBytes = MemoryForecast.ProgramBytes + 100,
        Memory = (method, batch, _) => new MemoryForecast(method, 1, 0, 0, (bytes?.Invoke(method) ?? 0) + (bytesPerRow * batch)),
    };
}

/// <summary>Facts with one thing changed.</summary>
internal static class ChangedFacts
{
    public static AdviceFacts WithRun(this AdviceFacts facts, Func<RunFacts, RunFacts> change) => facts with { Run = change(facts.Run) };

    public static AdviceFacts With(this AdviceFacts facts, Func<TrainingOptions, TrainingOptions> change) => facts.WithRun(run => run.With(change));
}
