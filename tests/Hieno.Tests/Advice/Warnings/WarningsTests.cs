using Hieno.Advice;
using Hieno.Objectives;
using Hieno.Optimizers;
using Hieno.Recipes;
using Hieno.Tests.Shared;
using Hieno.Training;
using Hieno.Tuning;

namespace Hieno.Tests.Advice.Warnings;

public sealed class WarningsTests
{
    private static readonly RunFacts s_good = GoodRun.Facts;

    // Each pair differs in one thing: with the first the warning is told, with the second it is not.
    private static readonly Dictionary<string, (RunFacts Fires, RunFacts Quiet)[]> s_cases = new(StringComparer.Ordinal)
    {
        ["random-head"] =
        [
            (s_good.With(t => t with { WarmupRatio = 0 }), s_good.With(t => t with { WarmupRatio = 0, HeadFactor = 10 })),
            (s_good.With(t => t with { WarmupRatio = 0 }), s_good.With(t => t with { WarmupRatio = 0 }) with { HeadIsNew = false }),
            (s_good.With(t => t with { WarmupRatio = 0 }) with { BodyShare = 0.5 }, s_good.With(t => t with { WarmupRatio = 0 }) with { BodyShare = 0.001 }),
            (s_good.With(t => t with { WarmupRatio = 0 }), s_good.With(t => t with { WarmupRatio = 0, Unfreeze = new UnfreezeOptions() })),
        ],
        ["learning-rate"] =
        [
            (s_good.With(t => t with { LearningRate = 6e-4 }), s_good.With(t => t with { LearningRate = 4e-4 })),
            (s_good.With(t => t with { LearningRate = 5e-7 }), s_good.With(t => t with { LearningRate = 2e-6 })),
            (s_good.With(t => t with { LearningRate = 1e-2 }), s_good.With(t => t with { LearningRate = 1e-2, Optimizer = new SgdOptions() })),
            (s_good.With(t => t with { LearningRate = 2e-3 }), s_good.With(t => t with { LearningRate = 2e-3 }) with { Width = 128 }),
        ],
        ["probe-without-stopping"] =
        [
            (s_good.With(t => t with { Probe = new ProbeOptions(), EarlyStopping = null }), s_good.With(t => t with { Probe = new ProbeOptions() })),
            (s_good.With(t => t with { Probe = new ProbeOptions(), EarlyStopping = null }), s_good.With(t => t with { EarlyStopping = null })),
        ],
        ["many-epochs"] =
        [
            (s_good.With(t => t with { Epochs = 41, EarlyStopping = null }), s_good.With(t => t with { Epochs = 40, EarlyStopping = null })),
            (s_good.With(t => t with { Epochs = 41, EarlyStopping = null }), s_good.With(t => t with { Epochs = 41 })),
            (s_good.With(t => t with { Epochs = 41, EarlyStopping = null }), s_good.With(t => t with { Epochs = 41, EarlyStopping = null, MaxSteps = 100 })),
        ],
        ["no-validation"] =
        [
            (s_good.WithRows(r => r with { Validation = 0 }), s_good),
            (s_good.WithRows(r => r with { Validation = 0 }), s_good.WithRows(r => r with { Validation = 0 }).With(t => t with { Epochs = 3 })),
        ],
        ["large-batch"] = [(s_good with { BatchesPerEpoch = 1 }, s_good with { BatchesPerEpoch = 2 }), (s_good.With(t => t with { Accumulation = 50 }), s_good.With(t => t with { Accumulation = 25 }))],
        ["long-warmup"] = [(s_good.With(t => t with { WarmupRatio = 0.6 }), s_good.With(t => t with { WarmupRatio = 0.5 })), (s_good.With(t => t with { WarmupRatio = 0, WarmupSteps = 300 }), s_good)],
        ["uneven-labels"] = [(Labels(600, 200), Labels(590, 210)), (Labels(500, 100, 100, 100), Labels(450, 150, 100, 100))],
        ["target-scale"] = [(s_good.WithRows(r => r with { Deviation = 11 }), s_good.WithRows(r => r with { Deviation = 9 })), (s_good.WithRows(r => r with { Deviation = 0.05 }), s_good.WithRows(r => r with { Deviation = 0.2 }))],
        ["cut-rows"] = [(s_good.WithRows(r => r with { Cut = 81 }), s_good.WithRows(r => r with { Cut = 80 }))],
        ["end-not-learned"] = [(Sft(399), Sft(400)), (Sft(0), s_good)],
        ["double-start"] = [(s_good.WithRows(r => r with { WithDoubleStart = 1 }), s_good)],
        ["leaked-rows"] = [(s_good.WithRows(r => r with { Leaked = 3 }), s_good.WithRows(r => r with { Leaked = 2 }))],
        ["memory"] = [(s_good with { NeededBytes = 2_000, FreeBytes = 1_999 }, s_good with { NeededBytes = 2_000, FreeBytes = 2_000 }), (s_good with { NeededBytes = 2_000, FreeBytes = 1_999 }, s_good with { NeededBytes = null, FreeBytes = 1_999 })],
    };

    public static TheoryData<string> Ids => [.. BuiltInWarnings.Ids];

    [Fact]
    public void A_good_run_is_warned_of_nothing() => Assert.Empty(BuiltInWarnings.Of(s_good));

    [Theory]
    [MemberData(nameof(Ids))]
    public void A_warning_is_told_where_it_applies_and_nowhere_else(string id)
    {
        Assert.All(s_cases[id], pair =>
        {
            Assert.Contains(id, BuiltInWarnings.Of(pair.Fires).Select(warning => warning.Id));
            Assert.DoesNotContain(id, BuiltInWarnings.Of(pair.Quiet).Select(warning => warning.Id));
        });
    }

    [Theory]
    [MemberData(nameof(Ids))]
    public void A_warning_can_be_silenced_by_its_name_and_others_stay(string id)
    {
        RunFacts facts = s_cases[id][0].Fires;
        string[] told = [.. BuiltInWarnings.Of(facts).Select(warning => warning.Id)];
        RunFacts silenced = facts with { Recipe = facts.Recipe with { Silence = [id] } };
        Assert.Equal(told.Where(other => other != id), BuiltInWarnings.Of(silenced).Select(warning => warning.Id));
    }

    [Theory]
    [MemberData(nameof(Ids))]
    public void A_warning_is_described_on_its_page(string id) =>
        Assert.Contains($"\n## {id}\n", File.ReadAllText(Path.Combine(SharedFolder.RepositoryRoot, "docs", "warnings.md")), StringComparison.Ordinal);

    [Fact]
    public void A_random_body_has_no_features_to_bend() =>
        Assert.Empty(BuiltInWarnings.Of(s_good.With(t => t with { WarmupRatio = 0, LearningRate = 3e-4 }) with { Recipe = s_good.Recipe with { Start = Start.Random, Training = s_good.Recipe.Training with { WarmupRatio = 0, LearningRate = 3e-4 } } }));

    [Fact]
    public void Nothing_is_said_of_the_rate_of_an_optimizer_that_is_not_known() =>
        Assert.Empty(BuiltInWarnings.Of(s_good.With(t => t with { LearningRate = 100, Optimizer = new StrangeOptions() })));

    [Fact]
    public void An_unknown_name_to_silence_is_a_fault_of_the_recipe_and_the_nearest_one_is_named()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("recipe.yaml", "base: b\ntask: classification\ndata: { train: t.jsonl }\noutput: o\nsilence: [random-heads]\n");
        RecipeException error = Assert.Throws<RecipeException>(() => Recipe.Load(path));
        Assert.Contains("'silence' names 'random-heads', which is no warning. Did you mean 'random-head'?", error.Message, StringComparison.Ordinal);
    }

    private static RunFacts Labels(params int[] counts) => s_good.WithRows(rows => rows with
    {
        Labels = counts.Select((count, i) => (Name: $"label {i}", count)).ToDictionary(pair => pair.Name, pair => pair.count, StringComparer.Ordinal),
    });

    private static RunFacts Sft(int learned) => s_good.WithRows(rows => rows with { WithLearnedEnd = learned, Labels = new Dictionary<string, int>(StringComparer.Ordinal) }) with
    {
        Task = "sft", HeadIsNew = false, Recipe = s_good.Recipe with { Task = new SupervisedFineTuningOptions(), Tuning = new FullOptions() },
    };

    private sealed record StrangeOptions : OptimizerOptions
    {
        public override double WeightDecay { get; init; }

        public override IOptimizer Create(IReadOnlyList<OptimizedParameter> parameters) => throw new NotSupportedException();
    }
}
