namespace Hieno.Generation.Processors;

/// <summary>Rules tokens out, always or while the text is short.</summary>
/// <param name="ids">The tokens; those that are not in the vocabulary are passed over.</param>
/// <param name="until">Tokens generated from which on they are allowed again. Default: never.</param>
public sealed class SuppressedTokens(IReadOnlyList<int> ids, int until = int.MaxValue) : ILogitsProcessor
{
    /// <inheritdoc/>
    public void Process(TokenHistory history, Span<float> logits)
    {
        if (history.Generated.Length >= until)
        {
            return;
        }

        foreach (int id in ids)
        {
            if (id < logits.Length)
            {
                logits[id] = float.NegativeInfinity;
            }
        }
    }
}
