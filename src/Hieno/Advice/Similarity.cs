namespace Hieno.Advice;

/// <summary>How much of a task the untouched base model knows already, from 0 (nothing) to 1 (all): a stand-in for how similar its training data is to the task's.</summary>
/// <param name="Score">The score.</param>
/// <param name="Measured">What was measured, in words with its numbers.</param>
public sealed record Similarity(double Score, string Measured)
{
    /// <summary>From here on the base knows most of the task. Hieno's own bound.</summary>
    public const double High = 0.7;

    /// <summary>Below this the base knows little of the task. Hieno's own bound.</summary>
    public const double Low = 0.3;
}
