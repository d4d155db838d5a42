namespace Hieno.Training;

/// <summary>How it is judged: the settings under <c>evaluation:</c> of a recipe.</summary>
public sealed record EvaluationOptions
{
    /// <summary>Metrics to compute, e.g. accuracy, macro-f1, loss, perplexity. Default: the usual ones of the task.</summary>
    public IReadOnlyList<string> Metrics { get; init; } = [];
}
