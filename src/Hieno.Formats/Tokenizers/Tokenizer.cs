using System.Text.Encodings.Web;
using System.Text.Json;
using Hieno.Formats.Tokenizers.Models;

namespace Hieno.Formats.Tokenizers;

/// <summary>Turns text into the token ids a model was trained on, and ids back into text.</summary>
/// <remarks>
/// The pipeline is that of tokenizer.json: added tokens are cut out, the rest is normalized, split into pieces (pre-tokenizer),
/// each piece tokenized (model), the whole framed with special tokens (post-processor). Encoding and decoding may run on many
/// threads at once; setting properties and adding tokens may not.
/// </remarks>
public sealed class Tokenizer
{
    private readonly TokenizerParts _parts;
    private readonly AddedVocabulary _added = new();

    internal Tokenizer(TokenizerParts parts)
    {
        _parts = parts;
        (Truncation, Padding) = (parts.Truncation, parts.Padding);
        _added.Add(parts.AddedTokens, parts.Model, parts.Normalizer);
    }

    /// <summary>Limits the length of encodings; null for no limit. Starts as the file says.</summary>
    public Truncation? Truncation { get; set; }

    /// <summary>Fills encodings up to a length; null for none. Starts as the file says.</summary>
    public Padding? Padding { get; set; }

    /// <summary>The number of entries, added tokens included.</summary>
    public int VocabularySize =>
        _parts.Model.VocabularySize + _added.Tokens.Values.Count(token => !_parts.Model.TryGetId(token.Content, out _));

    /// <summary>The added tokens by id, ascending.</summary>
    public IReadOnlyDictionary<int, AddedToken> AddedTokens => _added.Tokens;

    /// <summary>Reads a tokenizer.json, or a model of SentencePiece (<c>.model</c>) or tiktoken (<c>.tiktoken</c>).</summary>
    /// <param name="path">The file.</param>
    /// <returns>The tokenizer.</returns>
    /// <exception cref="TokenizerException">The file is malformed, or asks for something that is not known.</exception>
    public static Tokenizer Load(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        return TokenizerFolder.ReadFile(path, new TokenizerConfig());
    }

    /// <summary>Reads the contents of a tokenizer.json.</summary>
    /// <param name="utf8">The contents.</param>
    /// <param name="source">What to call them in errors, such as a file name.</param>
    /// <returns>The tokenizer.</returns>
    /// <exception cref="TokenizerException">The contents are malformed, or ask for something that is not known.</exception>
    public static Tokenizer Parse(ReadOnlySpan<byte> utf8, string source) => new(TokenizerJsonReader.Read(utf8, source));

    /// <summary>Reads the tokenizer of a model folder: tokenizer.json, else vocab.json with merges.txt, else vocab.txt, else tokenizer.model, else a .tiktoken file.</summary>
    /// <param name="folder">The folder.</param>
    /// <returns>The tokenizer.</returns>
    /// <exception cref="TokenizerException">The folder has none of these files, or the file found is malformed.</exception>
    public static Tokenizer FromFolder(string folder) => TokenizerFolder.Read(folder);

    /// <summary>True where a folder holds a tokenizer of any of the forms that <see cref="FromFolder"/> reads.</summary>
    /// <param name="folder">The folder; it may be absent.</param>
    public static bool ExistsIn(string folder) => TokenizerFolder.Exists(folder);

    /// <summary>Encodes one text.</summary>
    /// <param name="text">The text. A lone surrogate counts as U+FFFD.</param>
    /// <param name="addSpecialTokens">Frames the text with the model's special tokens.</param>
    /// <returns>The tokens.</returns>
    public Encoding Encode(string text, bool addSpecialTokens = true)
    {
        ArgumentNullException.ThrowIfNull(text);
        return Pad(Finish(EncodeText(text, sequence: 0), null, addSpecialTokens));
    }

    /// <summary>Encodes a pair of texts, such as a question and its context.</summary>
    /// <param name="text">The first text.</param>
    /// <param name="pair">The second text. Offsets of its tokens are ranges of it.</param>
    /// <param name="addSpecialTokens">Frames the texts with the model's special tokens.</param>
    /// <returns>The tokens of both texts.</returns>
    public Encoding EncodePair(string text, string pair, bool addSpecialTokens = true)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentNullException.ThrowIfNull(pair);
        return Pad(Finish(EncodeText(text, sequence: 0), EncodeText(pair, sequence: 1), addSpecialTokens));
    }

    /// <summary>Encodes several texts and pads them together.</summary>
    /// <param name="texts">The texts.</param>
    /// <param name="addSpecialTokens">Frames the texts with the model's special tokens.</param>
    /// <returns>One encoding a text, in order.</returns>
    public Encoding[] EncodeBatch(IEnumerable<string> texts, bool addSpecialTokens = true)
    {
        ArgumentNullException.ThrowIfNull(texts);
        Encoding[] batch = [.. texts.Select(text => Finish(EncodeText(text, sequence: 0), null, addSpecialTokens))];
        Padding?.Apply(batch);
        return batch;
    }

    /// <summary>Turns ids back into text.</summary>
    /// <param name="ids">The ids; those that are not in the vocabulary are left out.</param>
    /// <param name="skipSpecialTokens">Leaves special tokens out.</param>
    /// <returns>The text. Bytes that are not UTF-8 become U+FFFD.</returns>
    public string Decode(IEnumerable<int> ids, bool skipSpecialTokens = true)
    {
        ArgumentNullException.ThrowIfNull(ids);
        var tokens = new List<string>();
        foreach (int id in ids)
        {
            bool isAdded = _added.TryGet(id, out AddedToken? added);
            if (isAdded ? !(skipSpecialTokens && added!.Special) : _parts.Model.Vocabulary.Token(id) is not null)
            {
                tokens.Add(added?.Content ?? _parts.Model.Vocabulary.Token(id)!);
            }
        }

        return _parts.Decoder is null ? string.Join(' ', tokens)
            : tokens.Count == 0 ? string.Empty
            : string.Concat(_parts.Decoder.Decode(tokens));
    }

    /// <summary>Starts decoding ids one by one, as a model generates them.</summary>
    /// <param name="skipSpecialTokens">Leaves special tokens out.</param>
    /// <returns>The stream.</returns>
    public DecodeStream CreateDecodeStream(bool skipSpecialTokens = true) => new(this, skipSpecialTokens);

    /// <summary>The id of a token, or null when it is not in the vocabulary.</summary>
    /// <param name="token">The token as it stands in the vocabulary.</param>
    /// <returns>The id or null.</returns>
    public int? TokenToId(string token)
    {
        ArgumentNullException.ThrowIfNull(token);
        return _added.TryGetId(token, out int id) || _parts.Model.TryGetId(token, out id) ? id : null;
    }

    /// <summary>The token with an id, or null when there is none.</summary>
    /// <param name="id">The id.</param>
    /// <returns>The token as it stands in the vocabulary, or null.</returns>
    public string? IdToToken(int id) => _added.TryGet(id, out AddedToken? added) ? added!.Content : _parts.Model.Vocabulary.Token(id);

    /// <summary>Adds tokens that will be found before anything else is split.</summary>
    /// <param name="tokens">The tokens. One that is in the vocabulary keeps its id; others get the next free ids.</param>
    /// <returns>How many of them are new or changed.</returns>
    public int AddTokens(IEnumerable<AddedToken> tokens)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        return _added.Add(tokens, _parts.Model, _parts.Normalizer);
    }

    /// <summary>Writes a tokenizer.json.</summary>
    /// <param name="path">The file; replaced if it exists.</param>
    public void Save(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        File.WriteAllBytes(path, ToUtf8Json());
    }

    /// <summary>The contents of this tokenizer's tokenizer.json.</summary>
    /// <returns>JSON in UTF-8.</returns>
    public byte[] ToUtf8Json()
    {
        using var stream = new MemoryStream();
        var options = new JsonWriterOptions { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
        using (var json = new Utf8JsonWriter(stream, options))
        {
            json.WriteStartObject();
            json.WriteString("version", "1.0");
            WriteOptional(json, "truncation", Truncation is null ? null : w => Truncation.Write(w));
            WriteOptional(json, "padding", Padding is null ? null : w => Padding.Write(w));
            _added.Write(json);
            WriteOptional(json, "normalizer", _parts.Normalizer is null ? null : Named("normalizer", _parts.Normalizer.Write));
            WriteOptional(json, "pre_tokenizer", _parts.PreTokenizer is null ? null : Named("pre_tokenizer", _parts.PreTokenizer.Write));
            WriteOptional(json, "post_processor", _parts.PostProcessor is null ? null : Named("post_processor", _parts.PostProcessor.Write));
            WriteOptional(json, "decoder", _parts.Decoder is null ? null : Named("decoder", _parts.Decoder.Write));
            Named("model", _parts.Model.Write)(json);
            json.WriteEndObject();
        }

        return stream.ToArray();
    }

    private static void WriteOptional(Utf8JsonWriter json, string name, Action<Utf8JsonWriter>? write)
    {
        if (write is null)
        {
            json.WriteNull(name);
        }
        else
        {
            write(json);
        }
    }

    private static Action<Utf8JsonWriter> Named(string name, Action<Utf8JsonWriter> write) => json =>
    {
        json.WritePropertyName(name);
        write(json);
    };

    /// <summary>The tokens of a text, without special tokens.</summary>
    private Encoding EncodeText(string text, int sequence)
    {
        var pieces = new PreTokenizedText(AlignedText.Of(text));
        _added.SplitRaw(pieces);
        if (_parts.Normalizer is not null)
        {
            pieces.Rewrite(_parts.Normalizer.Normalize);
        }

        _added.SplitNormalized(pieces);
        _parts.PreTokenizer?.Run(pieces);

        var tokens = new TokenBuffer(pieces.Text);
        for (int word = 0; word < pieces.Pieces.Count; word++)
        {
            Piece piece = pieces.Pieces[word];
            tokens.StartPiece(piece.Start, word);
            if (piece.IsToken)
            {
                // A token that took white space in is reported with it.
                ReadOnlySpan<char> found = pieces.Text.Slice(piece.Start, piece.Length);
                tokens.Add(piece.TokenId, 0, piece.Length, found.SequenceEqual(IdToToken(piece.TokenId)) ? null : found.ToString());
            }
            else
            {
                _parts.Model.Tokenize(pieces.Text.Slice(piece.Start, piece.Length), tokens);
            }
        }

        return ToEncoding(tokens, sequence);
    }

    private Encoding ToEncoding(TokenBuffer tokens, int sequence)
    {
        int count = tokens.Ids.Count;
        var texts = new string[count];
        var words = new int?[count];
        var types = new int[count];
        var sequences = new int?[count];
        var attention = new int[count];
        Array.Fill(types, sequence);
        Array.Fill(sequences, sequence);
        Array.Fill(attention, 1);
        for (int i = 0; i < count; i++)
        {
            texts[i] = IdToToken(tokens.Ids[i])!;
            words[i] = tokens.Words[i];
        }

        foreach ((int index, string text) in tokens.OwnTexts)
        {
            texts[index] = text;
        }

        return new Encoding
        {
            Ids = [.. tokens.Ids],
            Tokens = texts,
            Offsets = [.. tokens.Offsets],
            TypeIds = types,
            SpecialTokensMask = new int[count],
            AttentionMask = attention,
            WordIds = words,
            SequenceIds = sequences,
        };
    }

    private Encoding Finish(Encoding first, Encoding? second, bool addSpecialTokens)
    {
        if (Truncation is not null)
        {
            int added = addSpecialTokens ? _parts.PostProcessor?.AddedTokens(second is not null) ?? 0 : 0;
            (first, second) = Truncation.Apply(first, second, added);
        }

        List<Encoding> encodings = second is null ? [first] : [first, second];
        return Encoding.Merge(_parts.PostProcessor?.Process(encodings, addSpecialTokens) ?? encodings);
    }

    private Encoding Pad(Encoding encoding)
    {
        Encoding[] batch = [encoding];
        Padding?.Apply(batch);
        return batch[0];
    }
}
