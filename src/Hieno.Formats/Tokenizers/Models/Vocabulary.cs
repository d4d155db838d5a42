using System.Text.Json;

namespace Hieno.Formats.Tokenizers.Models;

/// <summary>Tokens and their ids, both ways. Ids may have gaps.</summary>
internal sealed class Vocabulary
{
    private readonly Dictionary<string, int> _ids;
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _idsBySpan;
    private readonly string?[] _tokens;

    /// <summary>Takes over <paramref name="ids"/>.</summary>
    /// <param name="ids">Id of each token; compared ordinally.</param>
    /// <param name="fault">Makes the exception for ids that no table can hold.</param>
    public Vocabulary(Dictionary<string, int> ids, Func<string, TokenizerException> fault)
    {
        _ids = ids;
        _idsBySpan = ids.GetAlternateLookup<ReadOnlySpan<char>>();
        int largest = -1;
        foreach ((string token, int id) in ids)
        {
            // Gaps occur in real files, but an id far beyond the number of entries is a damaged or hostile file.
            if (id < 0 || id > (8L * ids.Count) + 1_000_000)
            {
                throw fault($"the token '{token}' has the id {id}, but there are only {ids.Count} tokens. The file is damaged.");
            }

            largest = Math.Max(largest, id);
        }

        _tokens = new string?[largest + 1];
        foreach ((string token, int id) in ids)
        {
            _tokens[id] = token;
        }
    }

    public int Count => _ids.Count;

    public bool TryGetId(string token, out int id) => _ids.TryGetValue(token, out id);

    public bool TryGetId(ReadOnlySpan<char> token, out int id) => _idsBySpan.TryGetValue(token, out id);

    /// <summary>The token with an id, or null.</summary>
    public string? Token(int id) => (uint)id < (uint)_tokens.Length ? _tokens[id] : null;

    /// <summary>All entries by ascending id.</summary>
    public IEnumerable<(string Token, int Id)> Entries()
    {
        for (int id = 0; id < _tokens.Length; id++)
        {
            if (_tokens[id] is string token)
            {
                yield return (token, id);
            }
        }
    }

    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject("vocab");
        foreach ((string token, int id) in Entries())
        {
            json.WriteNumber(token, id);
        }

        json.WriteEndObject();
    }
}
