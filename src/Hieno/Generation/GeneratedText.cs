namespace Hieno.Generation;

/// <summary>The continuation of a prompt.</summary>
public sealed record GeneratedText
{
    /// <summary>The text, without the prompt, the ending token and the stop string.</summary>
    public required string Text { get; init; }

    /// <summary>The tokens generated, the ending token included.</summary>
    public required IReadOnlyList<int> Tokens { get; init; }

    /// <summary>The natural logarithm of each token's probability as the model gave it.</summary>
    public required IReadOnlyList<float> LogProbabilities { get; init; }

    /// <summary>Why the text ended.</summary>
    public required FinishReason Finish { get; init; }

    /// <summary>Tokens of the prompt.</summary>
    public required int PromptTokens { get; init; }
}
