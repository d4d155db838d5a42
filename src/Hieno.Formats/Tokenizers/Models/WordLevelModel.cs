using System.Text.Json;

namespace Hieno.Formats.Tokenizers.Models;

/// <summary>Looks whole pieces up; a piece that is not an entry is the unknown token.</summary>
internal sealed class WordLevelModel : TokenizerModel
{
    private readonly string _unknownToken;
    private readonly int _unknownId;

    public WordLevelModel(Vocabulary vocabulary, string unknownToken)
        : base(vocabulary)
    {
        _unknownToken = unknownToken;
        _unknownId = vocabulary.TryGetId(unknownToken, out int id) ? id : -1;
    }

    public override void Tokenize(ReadOnlySpan<char> piece, TokenBuffer output)
    {
        if (!Vocabulary.TryGetId(piece, out int id))
        {
            id = _unknownId >= 0
                ? _unknownId
                : throw new TokenizerException("WordLevel", null, $"'{piece}' is not in the vocabulary, and neither is the unknown token "
                    + $"'{_unknownToken}'. Add it to the vocabulary.");
        }

        output.Add(id, 0, piece.Length);
    }

    public override void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "WordLevel");
        Vocabulary.Write(json);
        json.WriteString("unk_token", _unknownToken);
        json.WriteEndObject();
    }
}
