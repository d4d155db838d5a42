using System.Buffers.Binary;
using System.Text;
using Hieno.Formats.Tokenizers.Decoders;
using Hieno.Formats.Tokenizers.Models;
using Hieno.Formats.Tokenizers.Normalizers;
using Hieno.Formats.Tokenizers.PostProcessors;

namespace Hieno.Formats.Tokenizers;

/// <summary>Reads a tokenizer that SentencePiece trained (<c>tokenizer.model</c>, <c>spiece.model</c>): unigram, BPE and character models.</summary>
/// <remarks>
/// Kudo and Richardson 2018, <see href="https://arxiv.org/abs/1808.06226"/>; the file is its message <c>ModelProto</c>. Spaces are written as ▁ (U+2581). Of a BPE
/// model the pair with the best score of what it gives is merged first, and of equals the leftmost, as there.
/// </remarks>
internal sealed class SentencePieceFile
{
    private const string Space = "\u2581";
    private readonly string _source;
    private readonly List<Piece> _pieces = [];
    private byte[] _charsMap = [];
    private int _modelType = 1; // unigram
    private int _unknownId;
    private bool _byteFallback;
    private bool _addDummyPrefix = true;
    private bool _removeExtraSpaces = true;
    private bool _escapeSpaces = true;
    private bool _spaceIsSuffix;

    private SentencePieceFile(ReadOnlySpan<byte> bytes, string source)
    {
        _source = source;
        foreach (Field field in Fields(bytes))
        {
            switch (field.Number)
            {
                case 1:
                    _pieces.Add(ReadPiece(Bytes(bytes, field)));
                    break;
                case 2:
                    ReadTrainer(Bytes(bytes, field));
                    break;
                case 3:
                    ReadNormalizer(Bytes(bytes, field));
                    break;
            }
        }

        if (_pieces.Count == 0)
        {
            throw Fault("it lists no pieces, so it is no SentencePiece model.");
        }
    }

    private enum PieceKind
    {
        Normal = 1,
        Unknown,
        Control,
        UserDefined,
        Unused,
        Byte,
    }

    /// <summary>The parts of the tokenizer.</summary>
    /// <param name="bytes">The file.</param>
    /// <param name="source">What to call it in errors.</param>
    /// <param name="config">The settings beside it: whether texts begin and end with special tokens.</param>
    /// <exception cref="TokenizerException">The file is malformed, or of a kind that is not read.</exception>
    public static TokenizerParts Read(ReadOnlySpan<byte> bytes, string source, TokenizerConfig config)
    {
        var file = new SentencePieceFile(bytes, source);
        return file.Parts(config);
    }

    private TokenizerParts Parts(TokenizerConfig config)
    {
        if (!_escapeSpaces || _spaceIsSuffix)
        {
            throw Fault("it keeps spaces as they are, or behind their words, which is not read.");
        }

        var normalizers = new List<Normalizer>();
        if (_charsMap.Length > 0)
        {
            normalizers.Add(new Precompiled(_charsMap, Fault, longest: true));
        }

        if (_removeExtraSpaces)
        {
            normalizers.AddRange([new Replace(TextPattern.OfRegex(@"\A +| +\z"), string.Empty), new Replace(TextPattern.OfRegex(" {2,}"), " ")]);
        }

        normalizers.AddRange(_addDummyPrefix ? [new Prepend(Space), new Replace(TextPattern.OfText(" "), Space)] : [new Replace(TextPattern.OfText(" "), Space)]);
        List<TokenDecoder> decoders = [new ReplaceDecoder(TextPattern.OfText(Space), " "), new ByteFallback(), new Fuse()];
        if (_addDummyPrefix)
        {
            decoders.Add(new StripDecoder(new Rune(' '), 1, 0));
        }

        TokenizerModel model = Model();
        return new TokenizerParts(model)
        {
            Normalizer = new NormalizerSequence(normalizers),
            Decoder = new DecoderSequence(decoders),
            PostProcessor = Frame(config),
            AddedTokens = [.. _pieces.Where(piece => piece.Kind == PieceKind.Control || (piece.Kind == PieceKind.UserDefined && model is BpeModel)).Select(piece => new AddedToken(piece.Text) { Special = piece.Kind == PieceKind.Control })],
        };
    }

    private TokenizerModel Model()
    {
        switch (_modelType)
        {
            case 1 or 4: // of characters: the best cut is the only one there is
                return new UnigramModel([.. _pieces.Select(piece => (piece.Text, (double)ScoreOf(piece)))], _unknownId, _byteFallback, Fault, Scores().Min());
            case 2:
                var ids = new Dictionary<string, int>(_pieces.Count, StringComparer.Ordinal);
                for (int id = 0; id < _pieces.Count; id++)
                {
                    ids[_pieces[id].Text] = id;
                }

                return new BpeModel(
                    new Vocabulary(ids, Fault), Merges(ids), new BpeOptions { UnknownToken = _pieces[_unknownId].Text, FuseUnknown = true, ByteFallback = _byteFallback }, Fault);
            default:
                throw Fault($"its model is of the kind {_modelType}. Read are unigram (1), BPE (2) and character models (4).");
        }
    }

    private IEnumerable<float> Scores() => _pieces.Where(piece => piece.Kind == PieceKind.Normal).Select(piece => piece.Score).DefaultIfEmpty(0);

    // What a user has defined is never cut: it scores as its letters do at best. What only the program may write is out of a text's reach.
    private float ScoreOf(Piece piece) => piece.Kind switch
    {
        PieceKind.Normal or PieceKind.Unused => piece.Score,
        PieceKind.UserDefined => (piece.Text.EnumerateRunes().Sum(rune => rune.Utf8SequenceLength) * Scores().Max()) - 0.1f,
        _ => -1e9f,
    };

    // Every pair of pieces that gives a piece, by the score of that piece; equal scores have equal ranks.
    private MergeTable Merges(Dictionary<string, int> ids)
    {
        var merges = new List<(int Left, int Right, int Result)>();
        var ranks = new List<int>();
        (float score, int rank) = (float.NaN, -1);
        foreach (Piece piece in _pieces.Where(piece => piece.Kind is PieceKind.Normal or PieceKind.UserDefined).OrderByDescending(piece => piece.Score))
        {
            (score, rank) = piece.Score.Equals(score) ? (score, rank) : (piece.Score, rank + 1);
            for (int cut = 1; cut < piece.Text.Length; cut++)
            {
                if (!char.IsLowSurrogate(piece.Text[cut]) && ids.TryGetValue(piece.Text[..cut], out int left) && ids.TryGetValue(piece.Text[cut..], out int right))
                {
                    merges.Add((left, right, ids[piece.Text]));
                    ranks.Add(rank);
                }
            }
        }

        return new MergeTable(merges, ranks);
    }

    // SentencePiece itself frames nothing; what a model expects around a text is said beside the file.
    private TemplateProcessing? Frame(TokenizerConfig config)
    {
        string kind = config.TokenizerClass ?? string.Empty;
        bool Is(params ReadOnlySpan<string> names)
        {
            foreach (string name in names)
            {
                if (kind.StartsWith(name, StringComparison.Ordinal))
                {
                    return true;
                }
            }

            return false;
        }

        if (Is("XLMRoberta", "Camembert", "MBart", "Barthez"))
        {
            throw Fault($"models of the class {kind} number its pieces anew. Take the tokenizer.json of the model.");
        }

        bool isAlbert = Is("Albert", "BigBird", "DebertaV2", "XLNet");
        string? before = isAlbert ? config.ClsToken ?? "[CLS]" : config.AddBosToken ?? Is("Llama", "Gemma", "CodeLlama") ? config.BosToken ?? "<s>" : null;
        string? after = isAlbert ? config.SepToken ?? "[SEP]" : config.AddEosToken ?? Is("T5", "MT5", "Pegasus", "Marian") ? config.EosToken ?? "</s>" : null;
        if (before is null && after is null)
        {
            return null;
        }

        var tokens = new Dictionary<string, (int[] Ids, string[] Tokens)>(StringComparer.Ordinal);
        foreach (string token in new[] { before, after }.OfType<string>())
        {
            int id = _pieces.FindIndex(piece => piece.Text == token);
            tokens[token] = id >= 0 ? ([id], [token]) : throw Fault($"texts are to be framed by '{token}', which is none of its pieces.");
        }

        TemplatePart[] Special(string? token, int type) => token is null ? [] : [new TemplatePart(-1, token, type)];
        List<TemplatePart> single = [.. Special(before, 0), new TemplatePart(0, null, 0), .. Special(after, 0)];
        List<TemplatePart> pair = [.. single, .. isAlbert ? [] : Special(before, 1), new TemplatePart(1, null, 1), .. Special(after, 1)];
        return new TemplateProcessing(single, pair, tokens);
    }

    private Piece ReadPiece(ReadOnlySpan<byte> message)
    {
        (string text, float score, PieceKind kind) = (string.Empty, 0, PieceKind.Normal);
        foreach (Field field in Fields(message))
        {
            switch (field.Number)
            {
                case 1:
                    text = System.Text.Encoding.UTF8.GetString(Bytes(message, field));
                    break;
                case 2:
                    score = BitConverter.UInt32BitsToSingle((uint)field.Value);
                    break;
                case 3:
                    kind = (PieceKind)(int)field.Value;
                    break;
            }
        }

        if (kind == PieceKind.Unknown)
        {
            _unknownId = _pieces.Count;
        }

        return new Piece(text, score, kind);
    }

    private void ReadTrainer(ReadOnlySpan<byte> message)
    {
        foreach (Field field in Fields(message))
        {
            switch (field.Number)
            {
                case 3:
                    _modelType = (int)field.Value;
                    break;
                case 24:
                    _spaceIsSuffix = field.Value != 0;
                    break;
                case 35:
                    _byteFallback = field.Value != 0;
                    break;
            }
        }
    }

    private void ReadNormalizer(ReadOnlySpan<byte> message)
    {
        foreach (Field field in Fields(message))
        {
            switch (field.Number)
            {
                case 2:
                    _charsMap = Bytes(message, field).ToArray();
                    break;
                case 3:
                    _addDummyPrefix = field.Value != 0;
                    break;
                case 4:
                    _removeExtraSpaces = field.Value != 0;
                    break;
                case 5:
                    _escapeSpaces = field.Value != 0;
                    break;
            }
        }
    }

    // Protocol Buffers: a key of number and wire type, then a number, or a length and so many bytes.
    private List<Field> Fields(ReadOnlySpan<byte> message)
    {
        var fields = new List<Field>();
        for (int at = 0; at < message.Length;)
        {
            ulong key = Varint(message, ref at);
            (int number, ulong value, int length) = ((int)Math.Min(key >> 3, int.MaxValue), 0, 0);
            switch (key & 7)
            {
                case 0:
                    value = Varint(message, ref at);
                    break;
                case 1 when message.Length - at >= 8:
                    value = BinaryPrimitives.ReadUInt64LittleEndian(message[at..]);
                    length = 8;
                    break;
                case 2:
                    ulong count = Varint(message, ref at);
                    length = count <= (ulong)(message.Length - at) ? (int)count : throw Fault($"a field of {count} bytes at byte {at} does not fit. The file is truncated.");
                    break;
                case 5 when message.Length - at >= 4:
                    value = BinaryPrimitives.ReadUInt32LittleEndian(message[at..]);
                    length = 4;
                    break;
                default:
                    throw Fault($"the field at byte {at} is of no kind that there is, or ends after the file.");
            }

            fields.Add(new Field(number, value, at, length));
            at += length;
        }

        return fields;
    }

    private ulong Varint(ReadOnlySpan<byte> message, ref int at)
    {
        ulong value = 0;
        for (int shift = 0; shift < 64 && at < message.Length; shift += 7)
        {
            byte next = message[at++];
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
            {
                return value;
            }
        }

        throw Fault($"a number does not end at byte {at}. The file is truncated.");
    }

    private static ReadOnlySpan<byte> Bytes(ReadOnlySpan<byte> message, Field field) => message.Slice(field.Start, field.Length);

    private TokenizerException Fault(string problem) => new(_source, null, problem);

    /// <summary>A field of a message: its number, its value where it is one, and where its bytes lie.</summary>
    private readonly record struct Field(int Number, ulong Value, int Start, int Length);

    /// <summary>An entry of the vocabulary.</summary>
    private readonly record struct Piece(string Text, float Score, PieceKind Kind);
}
