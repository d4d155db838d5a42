namespace Hieno.Generation.Processors;

/// <summary>Rules out every token that would repeat a run of n tokens of prompt and text.</summary>
/// <param name="size">n, at least 1.</param>
/// <remarks>Paulus, Xiong and Socher 2017, <see href="https://arxiv.org/abs/1705.04304"/>, section 2.5.</remarks>
public sealed class NoRepeatNgram(int size) : ILogitsProcessor
{
    /// <inheritdoc/>
    public void Process(TokenHistory history, Span<float> logits)
    {
        ReadOnlySpan<int> tokens = history.All;
        if (tokens.Length < size)
        {
            return;
        }

        // Wherever the last n − 1 tokens stood before, what followed them then may not follow now.
        ReadOnlySpan<int> last = tokens[^(size - 1)..];
        for (int i = 0; i + size <= tokens.Length; i++)
        {
            if (tokens.Slice(i, size - 1).SequenceEqual(last))
            {
                logits[tokens[i + size - 1]] = float.NegativeInfinity;
            }
        }
    }
}
