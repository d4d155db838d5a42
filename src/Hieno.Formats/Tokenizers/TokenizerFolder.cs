using System.Text;
using Hieno.Formats.Tokenizers.Decoders;
using Hieno.Formats.Tokenizers.Models;
using Hieno.Formats.Tokenizers.Normalizers;
using Hieno.Formats.Tokenizers.PostProcessors;
using Hieno.Formats.Tokenizers.PreTokenizers;

namespace Hieno.Formats.Tokenizers;

/// <summary>Finds the tokenizer of a model folder and, where there is no tokenizer.json, puts one together from the older files.</summary>
internal static class TokenizerFolder
{
    private const string Qwen2Pattern =
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    private const string ClipPattern = @"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+";

    private static readonly ByteLevelSettings Bytes = new(AddPrefixSpace: false, TrimOffsets: true, UseRegex: true);

    public static Tokenizer Read(string folder)
    {
        ArgumentNullException.ThrowIfNull(folder);
        string In(string name) => Path.Combine(folder, name);
        if (File.Exists(In("tokenizer.json")))
        {
            return Tokenizer.Load(In("tokenizer.json"));
        }

        TokenizerConfig config = TokenizerConfig.FromFolder(folder);
        if (File.Exists(In("vocab.json")) && File.Exists(In("merges.txt")))
        {
            return new Tokenizer(BytePairParts(In("vocab.json"), In("merges.txt"), config));
        }

        if (File.Exists(In("vocab.txt")))
        {
            return new Tokenizer(BertParts(In("vocab.txt"), config));
        }

        return Binary(folder) is { } binary
            ? ReadFile(binary, config)
            : throw new TokenizerException(
                folder, null, "the folder has no tokenizer.json, no vocab.json with merges.txt, no vocab.txt, no tokenizer.model and no .tiktoken file. Copy the tokenizer's files there from the model's home.");
    }

    /// <summary>True where a folder holds a tokenizer.</summary>
    public static bool Exists(string folder) =>
        Array.Exists(["tokenizer.json", "vocab.json", "vocab.txt"], name => File.Exists(Path.Combine(folder, name))) || Binary(folder) is not null;

    /// <summary>Reads one file that is a whole tokenizer: a tokenizer.json, or a model of SentencePiece or tiktoken.</summary>
    public static Tokenizer ReadFile(string path, TokenizerConfig config)
    {
        byte[] bytes = File.ReadAllBytes(path);
        string name = Path.GetFileName(path);
        return Path.GetExtension(path) is not (".model" or ".tiktoken") ? Tokenizer.Parse(bytes, name)
            : new Tokenizer(TiktokenFile.Recognizes(bytes) ? TiktokenFile.Read(bytes, name, config) : SentencePieceFile.Read(bytes, name, config));
    }

    private static string? Binary(string folder) => !Directory.Exists(folder) ? null : Array.Find(
        [Path.Combine(folder, "tokenizer.model"), Path.Combine(folder, "spiece.model"), .. Directory.EnumerateFiles(folder, "*.tiktoken").Order(StringComparer.Ordinal)], File.Exists);

    /// <summary>The id of each token of a vocab.json.</summary>
    private static Dictionary<string, int> ReadVocabularyJson(string path)
    {
        // A vocab.json is the "vocab" of a WordLevel model, so the reader of models reads it.
        byte[] file = File.ReadAllBytes(path);
        ReadOnlySpan<byte> body = file.AsSpan(file.AsSpan().StartsWith("\uFEFF"u8) ? 3 : 0);
        byte[] document = [.. "{\"model\":{\"type\":\"WordLevel\",\"vocab\":"u8, .. body, .. "}}"u8];
        TokenizerModel model = TokenizerJsonReader.Read(document, Path.GetFileName(path)).Model;
        return model.Vocabulary.Entries().ToDictionary(e => e.Token, e => e.Id, StringComparer.Ordinal);
    }

    private static List<(string Left, string Right)> ReadMerges(string path)
    {
        var merges = new List<(string, string)>();
        int number = 0;
        foreach (string line in File.ReadLines(path))
        {
            number++;
            if (line.Length == 0 || (number == 1 && line.StartsWith("#version", StringComparison.Ordinal)))
            {
                continue;
            }

            merges.Add(ModelReader.SplitMerge(line.TrimEnd()) ?? throw new TokenizerException(
                Path.GetFileName(path), $"line {number}", $"expected two tokens with one space between them, found '{line}'."));
        }

        return merges;
    }

    private static TokenizerParts BytePairParts(string vocabularyPath, string mergesPath, TokenizerConfig config)
    {
        Dictionary<string, int> ids = ReadVocabularyJson(vocabularyPath);
        List<(string, string)> merges = ReadMerges(mergesPath);
        string kind = config.TokenizerClass ?? string.Empty;
        bool isClip = kind.StartsWith("CLIP", StringComparison.Ordinal) || (kind.Length == 0 && ids.ContainsKey("<|startoftext|>"));
        bool isRoberta = kind.StartsWith("Roberta", StringComparison.Ordinal) || kind.StartsWith("Bart", StringComparison.Ordinal)
            || (kind.Length == 0 && ids.ContainsKey("<s>") && ids.ContainsKey("</s>") && ids.ContainsKey("<mask>"));
        bool isQwen = kind.StartsWith("Qwen2", StringComparison.Ordinal);

        var options = new BpeOptions { EndOfWordSuffix = isClip ? "</w>" : null };
        BpeModel model = ModelReader.BuildBpe(ids, merges, options, Path.GetFileName(mergesPath), "merges");
        ByteLevelSettings settings = Bytes with { AddPrefixSpace = !isClip && (config.AddPrefixSpace ?? false) };
        var parts = new TokenizerParts(model)
        {
            PreTokenizer = new ByteLevel(settings),
            Decoder = new ByteLevelDecoder(Bytes),
        };

        if (isRoberta)
        {
            config = config with
            {
                BosToken = config.BosToken ?? "<s>",
                EosToken = config.EosToken ?? "</s>",
                PadToken = config.PadToken ?? "<pad>",
                UnkToken = config.UnkToken ?? "<unk>",
                MaskToken = config.MaskToken ?? "<mask>",
            };
            return parts with
            {
                PostProcessor = Frame(model, config, settings.AddPrefixSpace, trimOffsets: true),
                AddedTokens = SpecialTokens(model, config),
            };
        }

        if (isClip)
        {
            config = config with { BosToken = config.BosToken ?? "<|startoftext|>", EosToken = config.EosToken ?? "<|endoftext|>" };
            return parts with
            {
                Normalizer = new NormalizerSequence(
                    [new UnicodeForm(NormalizationForm.FormC), new Replace(TextPattern.OfRegex(@"\s+"), " "), new Lowercase()]),
                PreTokenizer = new PreTokenizerSequence(
                    [new Split(TextPattern.OfRegex(ClipPattern), SplitBehavior.Removed, invert: true), new ByteLevel(Bytes with { UseRegex = false })]),
                Decoder = new DecoderSequence([new ByteLevelDecoder(Bytes), new ReplaceDecoder(TextPattern.OfText("</w>"), " ")]),
                PostProcessor = Frame(model, config, addPrefixSpace: false, trimOffsets: false),
                AddedTokens = SpecialTokens(model, config),
            };
        }

        if (isQwen)
        {
            parts = parts with
            {
                Normalizer = new UnicodeForm(NormalizationForm.FormC),
                PreTokenizer = new PreTokenizerSequence(
                    [new Split(TextPattern.OfRegex(Qwen2Pattern), SplitBehavior.Isolated, invert: false), new ByteLevel(Bytes with { UseRegex = false })]),
            };
        }

        config = config with { EosToken = config.EosToken ?? "<|endoftext|>" };
        return parts with
        {
            PostProcessor = new ByteLevelProcessing(settings with { TrimOffsets = false }),
            AddedTokens = SpecialTokens(model, config),
        };
    }

    private static TokenizerParts BertParts(string path, TokenizerConfig config)
    {
        string name = Path.GetFileName(path);
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        int line = 0;
        foreach (string token in File.ReadLines(path))
        {
            ids[token] = line++; // a token listed twice counts where it is listed last
        }

        config = config with
        {
            UnkToken = config.UnkToken ?? "[UNK]",
            SepToken = config.SepToken ?? "[SEP]",
            PadToken = config.PadToken ?? "[PAD]",
            ClsToken = config.ClsToken ?? "[CLS]",
            MaskToken = config.MaskToken ?? "[MASK]",
        };
        TokenizerException Fault(string problem) => new(name, null, problem);
        var model = new WordPieceModel(new Vocabulary(ids, Fault), config.UnkToken, "##", longestWord: 100, Fault);
        SpecialToken Find(string token) => model.TryGetId(token, out int id) ? new SpecialToken(token, id) : throw Fault($"'{token}' is missing.");
        return new TokenizerParts(model)
        {
            Normalizer = new BertNormalizer(
                cleanText: true, config.TokenizeChineseChars ?? true, config.StripAccents, config.DoLowerCase ?? true),
            PreTokenizer = new BertPreTokenizer(),
            PostProcessor = new BertProcessing(Find(config.SepToken), Find(config.ClsToken)),
            Decoder = new WordPieceDecoder("##", cleanup: true),
            AddedTokens = SpecialTokens(model, config),
        };
    }

    /// <summary>RoBERTa's frame with the configured tokens.</summary>
    private static RobertaProcessing Frame(TokenizerModel model, TokenizerConfig config, bool addPrefixSpace, bool trimOffsets)
    {
        SpecialToken Find(string token) => model.TryGetId(token, out int id)
            ? new SpecialToken(token, id)
            : throw new TokenizerException("vocab.json", null, $"'{token}' is missing.");
        return new RobertaProcessing(
            Find(config.SepToken ?? config.EosToken!), Find(config.ClsToken ?? config.BosToken!), trimOffsets, addPrefixSpace);
    }

    /// <summary>The added tokens that the settings list, or else the special tokens they name; a mask takes the space before it.</summary>
    private static List<AddedToken> SpecialTokens(TokenizerModel model, TokenizerConfig config)
    {
        var tokens = new List<AddedToken>(config.AddedTokens.Values);
        string?[] named =
        [
            config.BosToken, config.EosToken, config.UnkToken, config.SepToken, config.PadToken, config.ClsToken, config.MaskToken,
            .. config.AdditionalSpecialTokens,
        ];
        foreach (string name in named.OfType<string>().Distinct(StringComparer.Ordinal))
        {
            bool isStated = config.AdditionalSpecialTokens.Contains(name, StringComparer.Ordinal) || model.TryGetId(name, out _);
            if (isStated && !tokens.Exists(t => string.Equals(t.Content, name, StringComparison.Ordinal)))
            {
                bool isWordMask = string.Equals(name, config.MaskToken, StringComparison.Ordinal) && model is BpeModel;
                tokens.Add(new AddedToken(name) { LStrip = isWordMask });
            }
        }

        return tokens;
    }
}
