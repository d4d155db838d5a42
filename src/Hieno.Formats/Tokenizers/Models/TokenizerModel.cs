using System.Text.Json;

namespace Hieno.Formats.Tokenizers.Models;

/// <summary>Turns one piece of text into tokens of a vocabulary.</summary>
internal abstract class TokenizerModel(Vocabulary vocabulary)
{
    public Vocabulary Vocabulary { get; } = vocabulary;

    /// <summary>The number of entries, added tokens not counted.</summary>
    public int VocabularySize => Vocabulary.Count;

    public bool TryGetId(string token, out int id) => Vocabulary.TryGetId(token, out id);

    /// <summary>Adds the tokens of <paramref name="piece"/>, which is not empty, to <paramref name="output"/>.</summary>
    public abstract void Tokenize(ReadOnlySpan<char> piece, TokenBuffer output);

    /// <summary>Writes the settings and the vocabulary as they stand in tokenizer.json.</summary>
    public abstract void Write(Utf8JsonWriter json);
}

/// <summary>One token of a piece: its id and its range in the piece.</summary>
internal readonly record struct TokenSpan(int Id, int Start, int End);
