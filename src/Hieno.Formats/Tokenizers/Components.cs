using System.Text;
using System.Text.Json;
using Hieno.Formats.Tokenizers.Decoders;
using Hieno.Formats.Tokenizers.Normalizers;
using Hieno.Formats.Tokenizers.PostProcessors;
using Hieno.Formats.Tokenizers.PreTokenizers;

namespace Hieno.Formats.Tokenizers;

/// <summary>Every kind of component that a tokenizer.json can name: the one list of all that is built in, apart from the models.</summary>
internal static class Components
{
    private static readonly Dictionary<string, Func<JsonPart, Normalizer>> Normalizers = new(StringComparer.Ordinal)
    {
        ["BertNormalizer"] = BertNormalizer.Read,
        ["ByteLevel"] = _ => new ByteLevelNormalizer(),
        ["Lowercase"] = _ => new Lowercase(),
        ["NFC"] = _ => new UnicodeForm(NormalizationForm.FormC),
        ["NFD"] = _ => new UnicodeForm(NormalizationForm.FormD),
        ["NFKC"] = _ => new UnicodeForm(NormalizationForm.FormKC),
        ["NFKD"] = _ => new UnicodeForm(NormalizationForm.FormKD),
        ["Nmt"] = _ => new Nmt(),
        ["Precompiled"] = Precompiled.Read,
        ["Prepend"] = Prepend.Read,
        ["Replace"] = Replace.Read,
        ["Sequence"] = NormalizerSequence.Read,
        ["Strip"] = Strip.Read,
        ["StripAccents"] = _ => new StripAccents(),
    };

    private static readonly Dictionary<string, Func<JsonPart, PreTokenizer>> PreTokenizers = new(StringComparer.Ordinal)
    {
        ["BertPreTokenizer"] = _ => new BertPreTokenizer(),
        ["ByteLevel"] = ByteLevel.Read,
        ["CharDelimiterSplit"] = CharDelimiterSplit.Read,
        ["Digits"] = Digits.Read,
        ["FixedLength"] = FixedLength.Read,
        ["Metaspace"] = Metaspace.Read,
        ["Punctuation"] = Punctuation.Read,
        ["Sequence"] = PreTokenizerSequence.Read,
        ["Split"] = Split.Read,
        ["UnicodeScripts"] = _ => new UnicodeScripts(),
        ["Whitespace"] = _ => new Whitespace(),
        ["WhitespaceSplit"] = _ => new WhitespaceSplit(),
    };

    private static readonly Dictionary<string, Func<JsonPart, PostProcessor>> PostProcessors = new(StringComparer.Ordinal)
    {
        ["BertProcessing"] = BertProcessing.Read,
        ["ByteLevel"] = ByteLevelProcessing.Read,
        ["RobertaProcessing"] = RobertaProcessing.Read,
        ["Sequence"] = PostProcessorSequence.Read,
        ["TemplateProcessing"] = TemplateProcessing.Read,
    };

    private static readonly Dictionary<string, Func<JsonPart, TokenDecoder>> Decoders = new(StringComparer.Ordinal)
    {
        ["BPEDecoder"] = BpeDecoder.Read,
        ["ByteFallback"] = _ => new ByteFallback(),
        ["ByteLevel"] = ByteLevelDecoder.Read,
        ["CTC"] = CtcDecoder.Read,
        ["Fuse"] = _ => new Fuse(),
        ["Metaspace"] = MetaspaceDecoder.Read,
        ["Replace"] = ReplaceDecoder.Read,
        ["Sequence"] = DecoderSequence.Read,
        ["Strip"] = StripDecoder.Read,
        ["WordPiece"] = WordPieceDecoder.Read,
    };

    public static Normalizer Normalizer(JsonPart json) => Read(json, Normalizers, "normalizer");

    public static PreTokenizer PreTokenizer(JsonPart json) => Read(json, PreTokenizers, "pre-tokenizer");

    public static PostProcessor PostProcessor(JsonPart json) => Read(json, PostProcessors, "post-processor");

    public static TokenDecoder Decoder(JsonPart json) => Read(json, Decoders, "decoder");

    /// <summary>Reads a list of components.</summary>
    public static List<T> ReadAll<T>(JsonPart json, Func<JsonPart, T> read) => json.Items().ConvertAll(item => read(item));

    /// <summary>Reads a string that must be exactly one character.</summary>
    public static Rune SingleRune(JsonPart json)
    {
        string text = json.AsString();
        return Rune.DecodeFromUtf16(text, out Rune rune, out int units) == System.Buffers.OperationStatus.Done && units == text.Length
            ? rune
            : throw json.Error($"expected one character, found '{text}'.");
    }

    private static T Read<T>(JsonPart json, Dictionary<string, Func<JsonPart, T>> known, string kind)
    {
        string type = json.String("type");
        return known.TryGetValue(type, out Func<JsonPart, T>? read)
            ? read(json)
            : throw json.Error($"the {kind} '{type}' is not known. Known are {string.Join(", ", known.Keys)}.");
    }
}
