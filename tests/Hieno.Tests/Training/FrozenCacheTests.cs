using Hieno.Objectives;
using Hieno.Recipes;
using Hieno.Tensors.Cpu;
using Hieno.Training;
using Hieno.Tuning;

namespace Hieno.Tests.Training;

public sealed class FrozenCacheTests
{
    private static readonly TuningOptions s_lastBlock = new PartialOptions { LastBlocks = 1 };
    private static readonly TuningOptions s_head = new HeadOptions();

    public static TheoryData<bool, bool, int> Cases => new()
    {
        { true, true, 1024 },
        { true, false, 1024 },
        { false, false, 1024 },
        { true, true, 0 },
        { false, false, 0 },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Remembering_changes_no_bit_of_the_result(bool classifier, bool head, int megabytes)
    {
        using TinyRun run = classifier ? TinyRun.Classifier() : TinyRun.Language();
        TrainingOptions training = TinyRun.Training(epochs: 3) with { Dropout = 0, CacheMegabytes = megabytes };
        Recipe remembered = run.Recipe("auto", training, head ? s_head : s_lastBlock, validated: true);
        Recipe computed = run.Recipe("off", training with { CacheFrozen = FrozenCaching.Off }, head ? s_head : s_lastBlock, validated: true);
        (RunCompleted result, List<TrainingEvent> events) = TinyRun.Train(remembered);
        (RunCompleted reference, List<TrainingEvent> others) = TinyRun.Train(computed);
        Assert.Equal(TinyRun.FinalHash(computed), TinyRun.FinalHash(remembered));
        Assert.Equal(others.OfType<StepCompleted>().Select(step => (step.Loss, step.GradientNorm)), events.OfType<StepCompleted>().Select(step => (step.Loss, step.GradientNorm)));
        Assert.Equal(others.OfType<Evaluated>().Select(item => item.Metrics.Values), events.OfType<Evaluated>().Select(item => item.Metrics.Values));
        Assert.Equal(reference.Step, result.Step);

        // 20 training rows and 6 others, three times each.
        Assert.Contains(events.OfType<LogMessage>(), message => message.Text.Contains("ran for 26 rows and were spared for 52", StringComparison.Ordinal));
        Assert.DoesNotContain(others.OfType<LogMessage>(), message => message.Text.Contains("frozen", StringComparison.Ordinal));
        Assert.False(File.Exists(Path.Combine(remembered.Output, FrozenCache.FileName)));
    }

    [Fact]
    public void A_resumed_run_and_other_numbers_of_threads_give_the_same_bytes()
    {
        using TinyRun run = TinyRun.Classifier();
        TrainingOptions training = TinyRun.Training(epochs: 3) with { CacheFrozen = FrozenCaching.On };
        Recipe whole = run.Recipe("whole", training, s_lastBlock);
        TinyRun.Train(whole);

        Recipe stopped = run.Recipe("stopped", training, s_lastBlock);
        TinyRun.TrainUntil(stopped, 7);
        TinyRun.Train(stopped, new FineTunerOptions { Resume = true });
        Assert.Equal(TinyRun.FinalHash(whole), TinyRun.FinalHash(stopped));

        Recipe alone = run.Recipe("alone", training, s_lastBlock);
        using var backend = new CpuBackend(threads: 1);
        TinyRun.Train(alone, new FineTunerOptions { Backend = backend });
        Assert.Equal(TinyRun.FinalHash(whole), TinyRun.FinalHash(alone));
    }

    [Fact]
    public void Dropout_of_the_frozen_layers_is_left_out_only_when_asked_for()
    {
        using TinyRun run = TinyRun.Classifier();
        string[] hashes = [.. Enum.GetValues<FrozenCaching>().Select(caching =>
        {
            Recipe recipe = run.Recipe($"run{caching}", TinyRun.Training() with { CacheFrozen = caching }, s_lastBlock, validated: true);
            (_, List<TrainingEvent> events) = TinyRun.Train(recipe);
            string log = string.Join('\n', events.OfType<LogMessage>().Select(message => message.Text));
            Assert.Equal(caching == FrozenCaching.On, log.Contains("their dropout is off", StringComparison.Ordinal));
            Assert.Equal(caching == FrozenCaching.Auto, log.Contains("serves evaluations only", StringComparison.Ordinal));
            return TinyRun.FinalHash(recipe);
        })];
        Assert.Equal(hashes[(int)FrozenCaching.Auto], hashes[(int)FrozenCaching.Off]);
        Assert.NotEqual(hashes[(int)FrozenCaching.On], hashes[(int)FrozenCaching.Off]);
    }

    [Fact]
    public void Asking_for_it_where_nothing_stays_the_same_is_an_error()
    {
        using TinyRun run = TinyRun.Language();
        TrainingOptions training = TinyRun.Training() with { CacheFrozen = FrozenCaching.On };
        Assert.Contains("no block lies below", Assert.Throws<TrainingException>(() => TinyRun.Train(run.Recipe(training: training))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Tasks_that_mask_rows_anew_in_each_pass_are_known()
    {
        Assert.False(new MaskedLanguageModelingOptions().Create().ReadsRowsAsTheyAre);
        Assert.True(new SupervisedFineTuningOptions().Create().ReadsRowsAsTheyAre);
        Assert.True(new ClassificationOptions().Create().ReadsRowsAsTheyAre);
    }

    [Theory]
    [InlineData("auto", FrozenCaching.Auto)]
    [InlineData("on", FrozenCaching.On)]
    [InlineData("off", FrozenCaching.Off)]
    public void The_setting_is_written_in_recipes_as_it_is_called(string text, FrozenCaching expected)
    {
        using TinyRun run = TinyRun.Classifier();
        string path = run.Write("recipe.yaml", $"base: {run.Base}\ntask: classification\ndata: {{ train: [train.jsonl] }}\ntuning: head\ntraining: {{ cacheFrozen: {text} }}\noutput: out\n");
        Assert.Equal(expected, Recipe.Load(path).Training.CacheFrozen);
    }
}
