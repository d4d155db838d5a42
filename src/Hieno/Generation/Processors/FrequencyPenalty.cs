namespace Hieno.Generation.Processors;

/// <summary>Takes from the logit of each generated token a part for each time it was generated, and a part once.</summary>
/// <param name="frequency">For each time.</param>
/// <param name="presence">Once.</param>
/// <remarks>The definition of OpenAI's API: x − count · frequency − [count > 0] · presence; the prompt does not count.</remarks>
public sealed class FrequencyPenalty(float frequency, float presence) : ILogitsProcessor
{
    private readonly HashSet<int> _seen = [];

    /// <inheritdoc/>
    public void Process(TokenHistory history, Span<float> logits)
    {
        _seen.Clear();
        foreach (int id in history.Generated)
        {
            logits[id] -= _seen.Add(id) ? frequency + presence : frequency;
        }
    }
}
