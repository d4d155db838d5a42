using Hieno.Data;
using Hieno.Models;
using Hieno.Objectives;
using Hieno.Recipes;
using Hieno.Tuning;

namespace Hieno.Advice;

/// <summary>What is known of a run before its first step: all that warnings and advice are drawn from.</summary>
internal sealed record RunFacts
{
    public required Recipe Recipe { get; init; }

    /// <summary>The name of the task's kind, e.g. <c>sft</c>.</summary>
    public required string Task { get; init; }

    /// <summary>The name of the method's kind, e.g. <c>lora</c>.</summary>
    public required string Method { get; init; }

    /// <summary>The name of the optimizer's kind, e.g. <c>adamw</c>.</summary>
    public required string Optimizer { get; init; }

    /// <summary>Width of the model's hidden vectors.</summary>
    public required int Width { get; init; }

    /// <summary>Number of blocks.</summary>
    public required int Blocks { get; init; }

    /// <summary>Number of weights of the model, without those of an adapter.</summary>
    public required long Weights { get; init; }

    /// <summary>True where the base model did not hold the output layer, so that it starts at random.</summary>
    public required bool HeadIsNew { get; init; }

    /// <summary>Share of the body's own weights that learn, from 0 to 1.</summary>
    public required double BodyShare { get; init; }

    /// <summary>Batches of an epoch, as many rows each as <c>batchSize</c> says.</summary>
    public required int BatchesPerEpoch { get; init; }

    /// <summary>What the rows hold.</summary>
    public required RowFacts Rows { get; init; }

    /// <summary>Bytes that the run is predicted to ask for beyond what it holds when this is told; null where that cannot be predicted.</summary>
    public long? NeededBytes { get; init; }

    /// <summary>Bytes that the machine has free.</summary>
    public long FreeBytes { get; init; } = long.MaxValue;

    /// <summary>The rate that a recipe without one means.</summary>
    public double LearningRate => Recipe.Training.LearningRate ?? Recipe.Tuning.DefaultLearningRate;

    /// <summary>Rows whose gradients an optimizer step adds up.</summary>
    public long RowsPerStep => (long)Recipe.Training.BatchSize * Recipe.Training.Accumulation;

    public long StepsPerEpoch => Math.Max(1, (BatchesPerEpoch + Recipe.Training.Accumulation - 1) / Recipe.Training.Accumulation);

    /// <summary>Optimizer steps of the whole run.</summary>
    public long Steps => Math.Min(Recipe.Training.MaxSteps ?? long.MaxValue, StepsPerEpoch * Recipe.Training.Epochs);

    /// <summary>Passes over the rows that the run makes.</summary>
    public double Epochs => (double)Steps / StepsPerEpoch;

    /// <summary>Steps over which the rate rises.</summary>
    public long WarmupSteps => Recipe.Training.WarmupSteps ?? (long)Math.Ceiling(Steps * Recipe.Training.WarmupRatio);

    /// <summary>True where the model learns tokens and not something about whole rows.</summary>
    public bool IsLanguage => Task is "causal-lm" or "masked-lm" or "sft";

    /// <summary>False for tasks whose batches are not laid out row by row, so that their memory cannot be foretold from the rows' lengths.</summary>
    public bool HasForecast => IsLanguage || Task is "classification" or "multi-label-classification" or "regression";

    /// <summary>Share of the tokens that are learned; null where rows and not tokens are.</summary>
    public double? LearnedShare => !IsLanguage ? null
        : Recipe.Task is MaskedLanguageModelingOptions masked ? masked.MaskRate
        : (double)Rows.LearnedTokens / Math.Max(1, Rows.Tokens);

    /// <summary>Takes stock of a run whose method has been applied, just before it begins.</summary>
    /// <param name="recipe">The run's settings.</param>
    /// <param name="kinds">The names of tasks, methods and optimizers.</param>
    /// <param name="tuned">The model, with what learns in it.</param>
    /// <param name="plan">Which rows go together.</param>
    /// <param name="train">The rows to train on.</param>
    /// <param name="rows">What all rows hold.</param>
    public static RunFacts Of(Recipe recipe, KindCatalog kinds, TunedModel tuned, BatchPlan plan, IReadOnlyList<Example> train, RowFacts rows)
    {
        RunFacts facts = Of(recipe, kinds, tuned.Model, parameter => parameter.Trainable, plan.BatchesPerEpoch, rows);
        var batch = StepBatch.Of(recipe, plan, train, facts.LearnedShare);
        MemoryForecast? forecast = !facts.HasForecast ? null : new MemoryModel(tuned.Model, recipe.Training.Optimizer).Predict(Learning.Of(facts.Method, tuned), batch);
        return facts with { NeededBytes = forecast?.OptimizerBytes + forecast?.StepBytes, FreeBytes = FreeMemory.Bytes() };
    }

    /// <summary>Takes stock of a run.</summary>
    /// <param name="recipe">The run's settings.</param>
    /// <param name="kinds">The names of tasks, methods and optimizers.</param>
    /// <param name="model">The model, with or without the method applied.</param>
    /// <param name="learns">Whether a weight of the model learns.</param>
    /// <param name="batchesPerEpoch">Batches of an epoch.</param>
    /// <param name="rows">What the rows hold.</param>
    public static RunFacts Of(Recipe recipe, KindCatalog kinds, PretrainedModel model, Func<Parameter, bool> learns, int batchesPerEpoch, RowFacts rows)
    {
        var fresh = model.NewlyInitialized.ToHashSet(StringComparer.Ordinal);
        Parameter[] body = [.. model.Parameters().Where(parameter => parameter.Kind != ParameterKind.Head && !fresh.Contains(parameter.Name))];
        long bodyWeights = body.Sum(parameter => parameter.Count);
        return new RunFacts
        {
            Recipe = recipe,
            Task = kinds.KindOf(typeof(ObjectiveOptions), recipe.Task.GetType()),
            Method = kinds.KindOf(typeof(TuningOptions), recipe.Tuning.GetType()),
            Optimizer = kinds.KindOf(typeof(Optimizers.OptimizerOptions), recipe.Training.Optimizer.GetType()),
            Width = model.Width,
            Blocks = model.Blocks.Count,
            Weights = model.Parameters().Sum(parameter => parameter.Count),
            HeadIsNew = recipe.Start == Start.Pretrained && fresh.Count > 0,
            BodyShare = bodyWeights == 0 ? 0 : (double)body.Where(learns).Sum(parameter => parameter.Count) / bodyWeights,
            BatchesPerEpoch = batchesPerEpoch,
            Rows = rows,
        };
    }
}
