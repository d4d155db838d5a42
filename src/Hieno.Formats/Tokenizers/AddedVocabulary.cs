using System.Buffers;
using System.Text.Json;
using Hieno.Formats.Tokenizers.Models;
using Hieno.Formats.Tokenizers.Normalizers;

namespace Hieno.Formats.Tokenizers;

/// <summary>The tokens that were added to a model's vocabulary, and the search for them in a text.</summary>
internal sealed class AddedVocabulary
{
    private readonly Dictionary<string, int> _ids = new(StringComparer.Ordinal);
    private readonly SortedDictionary<int, AddedToken> _tokens = [];
    private Matcher? _raw;
    private Matcher? _normalized;

    /// <summary>Every added token by its id, ascending.</summary>
    public IReadOnlyDictionary<int, AddedToken> Tokens => _tokens;

    public bool TryGetId(string content, out int id) => _ids.TryGetValue(content, out id);

    public bool TryGet(int id, out AddedToken? token) => _tokens.TryGetValue(id, out token);

    /// <summary>Adds tokens. Content that is already in the vocabulary keeps its id; anything else gets the next free one.</summary>
    /// <returns>How many of them are new or changed.</returns>
    public int Add(IEnumerable<AddedToken> tokens, TokenizerModel model, Normalizer? normalizer)
    {
        int next = Math.Max(model.VocabularySize, _tokens.Count == 0 ? 0 : _tokens.Keys.Last() + 1);
        int changed = 0;
        foreach (AddedToken token in tokens)
        {
            if (token.Content.Length == 0)
            {
                continue;
            }

            if (!_ids.TryGetValue(token.Content, out int id) && !model.TryGetId(token.Content, out id))
            {
                id = next++;
            }

            changed += _tokens.TryGetValue(id, out AddedToken? old) && old == token ? 0 : 1;
            _ids[token.Content] = id;
            _tokens[id] = token;
        }

        _raw = Matcher.For(_tokens.Where(t => !t.Value.Normalized).Select(t => (t.Value.Content, t.Key, t.Value)));
        _normalized = Matcher.For(_tokens.Where(t => t.Value.Normalized)
            .Select(t => (normalizer?.Normalize(t.Value.Content) ?? t.Value.Content, t.Key, t.Value)));
        return changed;
    }

    /// <summary>Cuts out the tokens that are looked for in the text as given.</summary>
    public void SplitRaw(PreTokenizedText text)
    {
        if (_raw is not null)
        {
            text.Split(_raw.Split);
        }
    }

    /// <summary>Cuts out the tokens that are looked for in the normalized text.</summary>
    public void SplitNormalized(PreTokenizedText text)
    {
        if (_normalized is not null)
        {
            text.Split(_normalized.Split);
        }
    }

    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartArray("added_tokens");
        foreach ((int id, AddedToken token) in _tokens)
        {
            json.WriteStartObject();
            json.WriteNumber("id", id);
            json.WriteString("content", token.Content);
            json.WriteBoolean("single_word", token.SingleWord);
            json.WriteBoolean("lstrip", token.LStrip);
            json.WriteBoolean("rstrip", token.RStrip);
            json.WriteBoolean("normalized", token.Normalized);
            json.WriteBoolean("special", token.Special);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    /// <summary>Finds tokens from left to right; at one place the longest wins.</summary>
    private sealed class Matcher
    {
        private readonly SearchValues<string> _contents;
        private readonly CharTrie _trie;
        private readonly (int Id, AddedToken Token)[] _values;

        private Matcher(string[] contents, (int Id, AddedToken Token)[] values)
        {
            _contents = SearchValues.Create(contents, StringComparison.Ordinal);
            _trie = CharTrie.Build(contents);
            _values = values;
        }

        public static Matcher? For(IEnumerable<(string Content, int Id, AddedToken Token)> tokens)
        {
            // A normalizer can map two tokens to one text, or a token to nothing at all.
            var distinct = tokens.Where(t => t.Content.Length > 0).DistinctBy(t => t.Content, StringComparer.Ordinal).ToList();
            return distinct.Count == 0 ? null : new Matcher([.. distinct.Select(t => t.Content)], [.. distinct.Select(t => (t.Id, t.Token))]);
        }

        public void Split(ReadOnlySpan<char> text, PieceSink parts)
        {
            int done = 0; // everything before this is already in a part
            int from = 0;
            while (from < text.Length && text[from..].IndexOfAny(_contents) is int found and >= 0)
            {
                int start = from + found;
                int length = _trie.LongestMatch(text[start..], out int index);
                int end = start + length;
                from = end;
                (int id, AddedToken token) = _values[index];
                if (start < done || (token.SingleWord && TouchesWord(text, start, end)))
                {
                    continue;
                }

                if (token.LStrip)
                {
                    while (start > done && char.IsWhiteSpace(text[start - 1]))
                    {
                        start--;
                    }
                }

                if (token.RStrip)
                {
                    while (end < text.Length && char.IsWhiteSpace(text[end]))
                    {
                        end++;
                    }
                }

                parts.Add(done, start);
                parts.Add(start, end, id);
                done = end;
            }

            parts.Add(done, text.Length);
        }

        private static bool TouchesWord(ReadOnlySpan<char> text, int start, int end)
        {
            if (end < text.Length && CharClasses.At(text, end, out _).HasFlag(CharClass.Word))
            {
                return true;
            }

            int before = start - 1;
            if (before > 0 && char.IsSurrogatePair(text[before - 1], text[before]))
            {
                before--;
            }

            return before >= 0 && CharClasses.At(text, before, out _).HasFlag(CharClass.Word);
        }
    }
}
