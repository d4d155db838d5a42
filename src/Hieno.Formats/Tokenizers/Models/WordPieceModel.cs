using System.Text.Json;

namespace Hieno.Formats.Tokenizers.Models;

/// <summary>WordPiece: takes the longest entry that a word starts with, then the longest that the rest starts with, and so on.</summary>
/// <remarks>Wu et al. 2016, <see href="https://arxiv.org/abs/1609.08144"/>, section 4.1; the greedy search is BERT's.</remarks>
internal sealed class WordPieceModel : TokenizerModel
{
    private readonly string _unknownToken;
    private readonly string _prefix;
    private readonly int _longestWord;
    private readonly int _unknownId = -1;

    // Entries that continue a word, without their prefix, so that parts of a word are looked up where they stand.
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _continuations;

    public WordPieceModel(Vocabulary vocabulary, string unknownToken, string prefix, int longestWord, Func<string, TokenizerException> fault)
        : base(vocabulary)
    {
        (_unknownToken, _prefix, _longestWord) = (unknownToken, prefix, longestWord);
        if (!vocabulary.TryGetId(unknownToken, out _unknownId))
        {
            throw fault($"the unknown token '{unknownToken}' is not in the vocabulary.");
        }

        var continuations = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach ((string token, int id) in vocabulary.Entries())
        {
            if (token.StartsWith(prefix, StringComparison.Ordinal))
            {
                continuations[token[prefix.Length..]] = id;
            }
        }

        _continuations = continuations.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    public override void Tokenize(ReadOnlySpan<char> piece, TokenBuffer output)
    {
        Span<TokenSpan> found = stackalloc TokenSpan[128];
        int count = 0;
        int start = IsTooLong(piece) ? -1 : 0;
        while (start >= 0 && start < piece.Length)
        {
            int end = piece.Length;
            int id;
            while (!(start == 0 ? Vocabulary.TryGetId(piece[..end], out id) : _continuations.TryGetValue(piece[start..end], out id)))
            {
                end -= end - 2 >= start && char.IsSurrogatePair(piece[end - 2], piece[end - 1]) ? 2 : 1;
                if (end <= start)
                {
                    break;
                }
            }

            if (end <= start)
            {
                start = -1; // one part that is not known makes the whole word unknown
                break;
            }

            if (count == found.Length)
            {
                var larger = new TokenSpan[count * 2];
                found.CopyTo(larger);
                found = larger;
            }

            found[count++] = new TokenSpan(id, start, end);
            start = end;
        }

        if (start < 0)
        {
            output.Add(_unknownId, 0, piece.Length);
        }
        else
        {
            output.Add(found[..count]);
        }
    }

    public override void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "WordPiece");
        json.WriteString("unk_token", _unknownToken);
        json.WriteString("continuing_subword_prefix", _prefix);
        json.WriteNumber("max_input_chars_per_word", _longestWord);
        Vocabulary.Write(json);
        json.WriteEndObject();
    }

    /// <summary>The limit counts characters, not units.</summary>
    private bool IsTooLong(ReadOnlySpan<char> piece)
    {
        int characters = piece.Length;
        foreach (char c in piece)
        {
            characters -= char.IsLowSurrogate(c) ? 1 : 0;
        }

        return characters > _longestWord;
    }
}
