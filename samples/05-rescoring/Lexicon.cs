using Hieno.Formats.Tokenizers;

namespace Rescoring;

/// <summary>The words a recogniser knows: those of the domain, and the general English words that are a token of their own in the language model.</summary>
internal static class Lexicon
{
    private const char WordStart = 'Ġ'; // how byte-level tokenizers write the space before a word
    private const int LeastLetters = 2;

    /// <summary>The words, each once, in ordinal order.</summary>
    public static string[] Of(IEnumerable<string> utterances, Tokenizer tokenizer)
    {
        IEnumerable<string> general = Enumerable.Range(0, tokenizer.VocabularySize)
            .Select(id => tokenizer.IdToToken(id) ?? string.Empty)
            .Where(token => token.Length > LeastLetters && token[0] == WordStart && token.Skip(1).All(char.IsAsciiLetterLower))
            .Select(token => token[1..]);
        return [.. utterances.SelectMany(text => text.Split(' ')).Concat(general).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
    }
}
