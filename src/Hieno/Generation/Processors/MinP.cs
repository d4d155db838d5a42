namespace Hieno.Generation.Processors;

/// <summary>Keeps tokens at least m times as probable as the likeliest: few where the model is sure, many where it is not.</summary>
/// <param name="share">m, above 0 up to 1.</param>
/// <remarks>Nguyen et al. 2024, <see href="https://arxiv.org/abs/2407.01082"/>, section 3.</remarks>
public sealed class MinP(float share) : ILogitsProcessor
{
    /// <inheritdoc/>
    public void Process(TokenHistory history, Span<float> logits)
    {
        // p ≥ m · p_max, as logits: x ≥ x_max + ln m.
        Logits.KeepFrom(logits, (float)(Logits.Largest(logits) + Math.Log(share)));
    }
}
