using Hieno.Formats;

namespace Hieno.Generation;

/// <summary>Text cannot be generated: from this model, from this prompt, or with these settings.</summary>
public sealed class GenerationException : HienoException
{
    /// <summary>Builds the message <c>who: fact. advice.</c></summary>
    /// <param name="code">One of the HN18xx codes of <see cref="ErrorCodes"/>.</param>
    /// <param name="who">The model or the prompt.</param>
    /// <param name="fact">What was found, with names and numbers.</param>
    /// <param name="advice">What to do about it.</param>
    public GenerationException(string code, string who, string fact, string advice)
        : base(code, who, fact, advice)
    {
    }
}
