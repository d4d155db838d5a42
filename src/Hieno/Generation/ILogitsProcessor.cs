namespace Hieno.Generation;

/// <summary>Changes the logits before a token is chosen. One instance serves one call of the generator, so it may keep buffers.</summary>
public interface ILogitsProcessor
{
    /// <summary>Changes the logits of the next token of one text.</summary>
    /// <param name="history">The text so far.</param>
    /// <param name="logits">One for each token of the vocabulary, changed in place; −∞ rules a token out.</param>
    void Process(TokenHistory history, Span<float> logits);
}

/// <summary>The tokens of a text so far.</summary>
/// <param name="tokens">Prompt and text.</param>
/// <param name="promptLength">Tokens of the prompt.</param>
public readonly ref struct TokenHistory(ReadOnlySpan<int> tokens, int promptLength)
{
    /// <summary>Prompt and text.</summary>
    public ReadOnlySpan<int> All { get; } = tokens;

    /// <summary>The text without its prompt.</summary>
    public ReadOnlySpan<int> Generated => All[promptLength..];
}
