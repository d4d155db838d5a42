using Hieno.Data;
using Hieno.Recipes;

namespace Hieno.Advice;

/// <summary>The largest batch of a run, as far as memory depends on it.</summary>
/// <param name="Tokens">Tokens that go through the model together, N.</param>
/// <param name="Read">Tokens of the last block's output that the head reads, M.</param>
/// <param name="Checkpointing">Whether blocks are computed again in the backward pass.</param>
/// <param name="Span">How many blocks are computed again together; 0 for the square root of their number.</param>
/// <param name="StepsInBackward">Whether weights are stepped in the backward pass, so that their gradients are never there together.</param>
internal sealed record StepBatch(long Tokens, long Read, bool Checkpointing, int Span = 1, bool StepsInBackward = false)
{
    private const int LookedAt = 3; // epochs; in later ones the largest batch is hardly larger

    /// <summary>The largest batch of a run's first epochs.</summary>
    /// <param name="recipe">The settings.</param>
    /// <param name="plan">Which rows go together.</param>
    /// <param name="train">The rows.</param>
    /// <param name="learned">Share of the tokens that are learned; null where rows and not tokens are.</param>
    public static StepBatch Of(Recipe recipe, BatchPlan plan, IReadOnlyList<Example> train, double? learned)
    {
        long tokens = Enumerable.Range(0, Math.Min(recipe.Training.Epochs, LookedAt)).SelectMany(plan.Epoch).Max(batch => batch.Sum(i => (long)train[i].Ids.Length));
        long read = learned is { } share ? (long)Math.Ceiling(tokens * share) : Math.Min(recipe.Training.BatchSize, train.Count);
        return new StepBatch(tokens, read, recipe.Training.GradientCheckpointing, recipe.Training.CheckpointSpan ?? 1, recipe.Training.StepInBackward);
    }
}
