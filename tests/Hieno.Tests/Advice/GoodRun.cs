using Hieno.Advice;
using Hieno.Data;
using Hieno.Objectives;
using Hieno.Recipes;
using Hieno.Training;

namespace Hieno.Tests.Advice;

/// <summary>A run of which nothing is to be said: BERT base, 800 rows of two labels, watched and stopped early.</summary>
internal static class GoodRun
{
    public static RunFacts Facts { get; } = new()
    {
        Recipe = new Recipe
        {
            Base = "base",
            Task = new ClassificationOptions(),
            Data = new DataOptions { Train = ["train.jsonl"], Validation = "validation.jsonl" },
            Training = new TrainingOptions { Epochs = 10, BatchSize = 16, LearningRate = 3e-5, WarmupRatio = 0.1, EarlyStopping = new EarlyStoppingOptions() },
            Output = "run",
        },
        Task = "classification",
        Method = "full",
        Optimizer = "adamw",
        Width = 768,
        Blocks = 12,
        Weights = 110_000_000,
        HeadIsNew = true,
        BodyShare = 1,
        BatchesPerEpoch = 50,
        Rows = new RowFacts
        {
            Train = 800,
            Validation = 100,
            Test = 100,
            Lengths = [.. Enumerable.Repeat(20, 800)],
            Labels = new Dictionary<string, int>(StringComparer.Ordinal) { ["good"] = 450, ["bad"] = 350 },
        },
    };

    public static RunFacts With(this RunFacts facts, Func<TrainingOptions, TrainingOptions> change) =>
        facts with { Recipe = facts.Recipe with { Training = change(facts.Recipe.Training) } };

    public static RunFacts WithRows(this RunFacts facts, Func<RowFacts, RowFacts> change) => facts with { Rows = change(facts.Rows) };
}
