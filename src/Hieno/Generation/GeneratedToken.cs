namespace Hieno.Generation;

/// <summary>Why a text ended.</summary>
public enum FinishReason
{
    /// <summary>The model gave a token that ends a text.</summary>
    Eos,

    /// <summary>A stop string was met.</summary>
    Stop,

    /// <summary>The most tokens asked for, or the model's longest text, was reached.</summary>
    Length,
}

/// <summary>A token, as it is generated.</summary>
/// <param name="Row">The prompt that it continues, by its index.</param>
/// <param name="Position">The token's place in its text, counted from 0 at the first token of the prompt.</param>
/// <param name="Id">The token.</param>
/// <param name="Text">
/// The text that became final with it. Empty while a character is incomplete or while the text could be the beginning of a stop string;
/// what was held back comes with a later token. The texts of all tokens make the whole text.
/// </param>
/// <param name="LogProbability">The natural logarithm of the model's probability for it, before temperature, penalties and filters.</param>
/// <param name="Finish">Why the text ends with this token, or null where it goes on.</param>
public sealed record GeneratedToken(int Row, int Position, int Id, string Text, float LogProbability, FinishReason? Finish);
