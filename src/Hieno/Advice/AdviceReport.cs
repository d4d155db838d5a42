using Hieno.Recipes;
using Hieno.Training;

namespace Hieno.Advice;

/// <summary>What is advised for a recipe, from its data, its base model and the machine at hand.</summary>
public sealed record AdviceReport
{
    /// <summary>The recipe as it is.</summary>
    public required Recipe Recipe { get; init; }

    /// <summary>The name of the recipe's task, e.g. <c>sft</c>.</summary>
    public required string Task { get; init; }

    /// <summary>The recipe with every advice followed.</summary>
    public required Recipe Advised { get; init; }

    /// <summary>The advice, one setting each.</summary>
    public required IReadOnlyList<Recommendation> Recommendations { get; init; }

    /// <summary>What a run of the recipe would warn of.</summary>
    public required IReadOnlyList<RunWarning> Warnings { get; init; }

    /// <summary>What the base model knows of the task; null where it starts at random, or the task has no measure.</summary>
    public required Similarity? Similarity { get; init; }

    /// <summary>The predicted memory of the recipe's own way of tuning, first, and of others; empty where the model's blocks cannot be counted.</summary>
    public required IReadOnlyList<MemoryForecast> Memory { get; init; }

    /// <summary>Bytes that the machine has free.</summary>
    public required long FreeBytes { get; init; }

    /// <summary>Rows to train on.</summary>
    public required int TrainingRows { get; init; }

    /// <summary>Number of weights of the model.</summary>
    public required long Weights { get; init; }

    /// <summary>Number of blocks of the model.</summary>
    public required int Blocks { get; init; }

    /// <summary>Width of the model.</summary>
    public required int Width { get; init; }

    /// <summary>The settings to change, as a piece of a recipe to paste; empty where all is as advised.</summary>
    public required string Snippet { get; init; }
}
