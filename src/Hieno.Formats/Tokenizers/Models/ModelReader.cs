using System.Text;
using System.Text.Json;

namespace Hieno.Formats.Tokenizers.Models;

/// <summary>Reads the <c>model</c> of a tokenizer.json: the settings, the vocabulary and the merges, whatever their order.</summary>
internal sealed class ModelReader
{
    private readonly string _source;
    private readonly Dictionary<string, JsonPart> _settings = new(StringComparer.Ordinal);
    private Dictionary<string, int>? _ids;
    private List<(string Piece, double Score)>? _scored;
    private List<(string Left, string Right)>? _merges;

    private ModelReader(string source)
    {
        _source = source;
    }

    /// <summary>Reads the value that <paramref name="reader"/> stands on.</summary>
    public static TokenizerModel Read(ref Utf8JsonReader reader, string source)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            throw new TokenizerException(source, "model", "expected an object.");
        }

        var model = new ModelReader(source);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string name = reader.GetString()!;
            reader.Read();
            switch (name)
            {
                case "vocab" when reader.TokenType == JsonTokenType.StartObject:
                    model.ReadVocabulary(ref reader);
                    break;
                case "vocab" when reader.TokenType == JsonTokenType.StartArray:
                    model.ReadScoredVocabulary(ref reader);
                    break;
                case "merges" when reader.TokenType == JsonTokenType.StartArray:
                    model.ReadMerges(ref reader);
                    break;
                default:
                    model._settings[name] = new JsonPart(JsonElement.ParseValue(ref reader), source, "model." + name);
                    break;
            }
        }

        return model.Build();
    }

    /// <summary>Makes a BPE model of a vocabulary and merges in text form.</summary>
    public static BpeModel BuildBpe(
        Dictionary<string, int> ids, IReadOnlyList<(string Left, string Right)> merges, BpeOptions options, string source, string mergesPath)
    {
        var vocabulary = new Vocabulary(ids, problem => new TokenizerException(source, "model.vocab", problem));
        int prefix = options.ContinuingSubwordPrefix?.Length ?? 0;
        var table = new (int, int, int)[merges.Count];
        var joined = new StringBuilder();
        Span<char> buffer = stackalloc char[256];
        for (int rank = 0; rank < table.Length; rank++)
        {
            (string left, string right) = merges[rank];
            if (!vocabulary.TryGetId(left, out int leftId) || !vocabulary.TryGetId(right, out int rightId))
            {
                string missing = vocabulary.TryGetId(left, out _) ? right : left;
                throw new TokenizerException(source, $"{mergesPath}[{rank}]", $"'{missing}' is not in the vocabulary.");
            }

            // The result is the two parts joined, less the prefix that marks the right one as not the first of its word.
            ReadOnlySpan<char> tail = right.AsSpan(Math.Min(prefix, right.Length));
            scoped ReadOnlySpan<char> whole;
            if (left.Length + tail.Length <= buffer.Length)
            {
                left.CopyTo(buffer);
                tail.CopyTo(buffer[left.Length..]);
                whole = buffer[..(left.Length + tail.Length)];
            }
            else
            {
                whole = joined.Clear().Append(left).Append(tail).ToString();
            }

            if (!vocabulary.TryGetId(whole, out int result))
            {
                throw new TokenizerException(source, $"{mergesPath}[{rank}]", $"the merged token '{whole}' is not in the vocabulary.");
            }

            table[rank] = (leftId, rightId, result);
        }

        return new BpeModel(vocabulary, new MergeTable(table), options, problem => new TokenizerException(source, "model", problem));
    }

    private TokenizerException Fault(string problem) => new(_source, "model", problem);

    private void ReadVocabulary(ref Utf8JsonReader reader)
    {
        _ids = new Dictionary<string, int>(StringComparer.Ordinal);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string token = reader.GetString()!;
            reader.Read();
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt32(out int id) || id < 0)
            {
                throw new TokenizerException(_source, $"model.vocab['{token}']", "an id is a whole number, zero or more.");
            }

            _ids[token] = id;
        }
    }

    private void ReadScoredVocabulary(ref Utf8JsonReader reader)
    {
        _scored = [];
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            string path = $"model.vocab[{_scored.Count}]";
            string? piece = null;
            double score = 0;
            bool isPair = reader.TokenType == JsonTokenType.StartArray
                && reader.Read() && reader.TokenType == JsonTokenType.String && (piece = reader.GetString()) is not null
                && reader.Read() && reader.TokenType == JsonTokenType.Number && reader.TryGetDouble(out score)
                && reader.Read() && reader.TokenType == JsonTokenType.EndArray;
            if (!isPair)
            {
                throw new TokenizerException(_source, path, "expected a piece and its score, like [\"▁the\", -3.1].");
            }

            _scored.Add((piece!, score));
        }
    }

    private void ReadMerges(ref Utf8JsonReader reader)
    {
        _merges = [];
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType == JsonTokenType.String)
            {
                // The older form: both parts in one string.
                string text = reader.GetString()!;
                if (text.StartsWith("#version", StringComparison.Ordinal))
                {
                    continue;
                }

                _merges.Add(SplitMerge(text) ?? throw NotAMerge());
                continue;
            }

            string? left = null;
            string? right = null;
            bool isPair = reader.TokenType == JsonTokenType.StartArray
                && reader.Read() && reader.TokenType == JsonTokenType.String && (left = reader.GetString()) is not null
                && reader.Read() && reader.TokenType == JsonTokenType.String && (right = reader.GetString()) is not null
                && reader.Read() && reader.TokenType == JsonTokenType.EndArray;
            if (!isPair)
            {
                throw NotAMerge();
            }

            _merges.Add((left!, right!));
        }

        TokenizerException NotAMerge() => new(_source, $"model.merges[{_merges!.Count}]", "expected two tokens, like [\"t\", \"h\"] or \"t h\".");
    }

    /// <summary>The two parts of a merge that is written with one space between them; null when there are not exactly two.</summary>
    public static (string Left, string Right)? SplitMerge(string text)
    {
        int space = text.IndexOf(' ', StringComparison.Ordinal);
        return space < 0 || text.IndexOf(' ', space + 1) >= 0 ? null : (text[..space], text[(space + 1)..]);
    }

    private TokenizerModel Build()
    {
        JsonPart json = Settings();
        string? type = json.StringOrNull("type");
        return (type ?? GuessType()) switch
        {
            "BPE" => BuildBpe(
                _ids ?? throw Fault("'vocab' is missing."), _merges ?? throw Fault("'merges' is missing."), BpeOptionsOf(json), _source, "model.merges"),
            "WordPiece" => new WordPieceModel(
                VocabularyOf(), json.StringOrNull("unk_token") ?? "[UNK]", json.StringOrNull("continuing_subword_prefix") ?? "##",
                json.Count("max_input_chars_per_word", 100), Fault),
            "WordLevel" => new WordLevelModel(VocabularyOf(), json.StringOrNull("unk_token") ?? "<unk>"),
            "Unigram" => new UnigramModel(
                _scored ?? throw Fault("'vocab' is missing, or is not a list of pieces and scores."),
                json.Member("unk_id") is { IsNull: false } unknown ? unknown.AsInt() : null, json.Bool("byte_fallback", false), Fault),
            var other => throw Fault($"the model '{other}' is not known. Known are BPE, WordPiece, WordLevel, Unigram."),
        };
    }

    /// <summary>Very old files do not say which model they hold; what else they hold does.</summary>
    private string GuessType() =>
        _merges is not null ? "BPE"
        : _scored is not null ? "Unigram"
        : _settings.ContainsKey("max_input_chars_per_word") ? "WordPiece"
        : "WordLevel";

    private Vocabulary VocabularyOf() =>
        new(_ids ?? throw Fault("'vocab' is missing."), problem => new TokenizerException(_source, "model.vocab", problem));

    private static BpeOptions BpeOptionsOf(JsonPart json) => new()
    {
        Dropout = json.Member("dropout") is { IsNull: false } dropout
            ? dropout.AsDouble() is double share and >= 0 and <= 1 ? share : throw dropout.Error("the dropout must be from 0 to 1.")
            : null,
        UnknownToken = json.StringOrNull("unk_token"),
        ContinuingSubwordPrefix = json.StringOrNull("continuing_subword_prefix") is { Length: > 0 } prefix ? prefix : null,
        EndOfWordSuffix = json.StringOrNull("end_of_word_suffix") is { Length: > 0 } suffix ? suffix : null,
        FuseUnknown = json.Bool("fuse_unk", false),
        ByteFallback = json.Bool("byte_fallback", false),
        IgnoreMerges = json.Bool("ignore_merges", false),
    };

    /// <summary>The settings as one object, as if the vocabulary and the merges were not there.</summary>
    private JsonPart Settings()
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream))
        {
            writer.WriteStartObject();
            foreach ((string name, JsonPart value) in _settings)
            {
                writer.WritePropertyName(name);
                value.Element.WriteTo(writer);
            }

            writer.WriteEndObject();
        }

        using var document = JsonDocument.Parse(stream.ToArray());
        return new JsonPart(document.RootElement.Clone(), _source, "model");
    }
}
