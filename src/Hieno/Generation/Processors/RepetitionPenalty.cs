namespace Hieno.Generation.Processors;

/// <summary>Makes every token of prompt and text less likely, once: a positive logit is divided by θ, a negative one multiplied.</summary>
/// <param name="penalty">θ; above 1 discourages, below 1 encourages.</param>
/// <remarks>Keskar et al. 2019, <see href="https://arxiv.org/abs/1909.05858"/>, section 4.1.</remarks>
public sealed class RepetitionPenalty(float penalty) : ILogitsProcessor
{
    private readonly HashSet<int> _seen = [];

    /// <inheritdoc/>
    public void Process(TokenHistory history, Span<float> logits)
    {
        _seen.Clear();
        foreach (int id in history.All)
        {
            if (_seen.Add(id))
            {
                logits[id] = logits[id] < 0 ? logits[id] * penalty : logits[id] / penalty;
            }
        }
    }
}
