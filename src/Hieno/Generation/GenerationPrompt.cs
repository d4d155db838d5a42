namespace Hieno.Generation;

/// <summary>A prompt that is already tokens.</summary>
/// <param name="Tokens">Its tokens, special ones included.</param>
public sealed record GenerationPrompt(IReadOnlyList<int> Tokens)
{
    /// <summary>
    /// Decides, with the seed, what is drawn for this prompt. Default: its index in the list. Give the rows of a data set their own
    /// numbers, and each keeps its text whatever is generated beside it; give copies of a prompt different ones for different texts.
    /// </summary>
    public ulong? Draw { get; init; }

    /// <summary>The adapter, of those in <see cref="TextGenerator.Adapters"/>, that continues this prompt. Default: none, the base model.</summary>
    public string? Adapter { get; init; }
}
