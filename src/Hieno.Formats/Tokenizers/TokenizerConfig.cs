using System.Text.Json;

namespace Hieno.Formats.Tokenizers;

/// <summary>The settings that lie beside a tokenizer: tokenizer_config.json, special_tokens_map.json and chat templates.</summary>
public sealed record TokenizerConfig
{
    private const string ConfigFile = "tokenizer_config.json";
    private const string SpecialTokensFile = "special_tokens_map.json";

    /// <summary>The class the tokenizer was saved from, e.g. <c>LlamaTokenizerFast</c>.</summary>
    public string? TokenizerClass { get; init; }

    /// <summary>Longest input the model takes, in tokens; null when not stated or stated as "very large".</summary>
    public int? ModelMaxLength { get; init; }

    /// <summary>Token that begins a text.</summary>
    public string? BosToken { get; init; }

    /// <summary>Token that ends a text.</summary>
    public string? EosToken { get; init; }

    /// <summary>Token for what the vocabulary lacks.</summary>
    public string? UnkToken { get; init; }

    /// <summary>Token between two texts.</summary>
    public string? SepToken { get; init; }

    /// <summary>Token that fills up a batch. Many language models have none.</summary>
    public string? PadToken { get; init; }

    /// <summary>Token whose output is used for classification.</summary>
    public string? ClsToken { get; init; }

    /// <summary>Token that hides a word.</summary>
    public string? MaskToken { get; init; }

    /// <summary>Further special tokens.</summary>
    public IReadOnlyList<string> AdditionalSpecialTokens { get; init; } = [];

    /// <summary>The added tokens by id, where the file lists them.</summary>
    public IReadOnlyDictionary<int, AddedToken> AddedTokens { get; init; } = new Dictionary<int, AddedToken>();

    /// <summary>Whether texts begin with <see cref="BosToken"/>; null when not stated.</summary>
    public bool? AddBosToken { get; init; }

    /// <summary>Whether texts end with <see cref="EosToken"/>; null when not stated.</summary>
    public bool? AddEosToken { get; init; }

    /// <summary>Whether a space is put before the first word; null when not stated.</summary>
    public bool? AddPrefixSpace { get; init; }

    /// <summary>Whether text is lower-cased; null when not stated.</summary>
    public bool? DoLowerCase { get; init; }

    /// <summary>Whether accents are dropped; null when not stated.</summary>
    public bool? StripAccents { get; init; }

    /// <summary>Whether Chinese characters are split off; null when not stated.</summary>
    public bool? TokenizeChineseChars { get; init; }

    /// <summary>Whether decoding removes spaces before punctuation; null when not stated.</summary>
    public bool? CleanUpTokenizationSpaces { get; init; }

    /// <summary>The side that is padded; null when not stated.</summary>
    public TruncationSide? PaddingSide { get; init; }

    /// <summary>The side that is cut off; null when not stated.</summary>
    public TruncationSide? TruncationSide { get; init; }

    /// <summary>The chat templates by name; the usual one is called <c>default</c>.</summary>
    public IReadOnlyDictionary<string, string> ChatTemplates { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>The chat template called <c>default</c>, or null.</summary>
    public string? ChatTemplate => ChatTemplates.GetValueOrDefault("default");

    /// <summary>Reads the settings of a model folder. Files that are absent leave their settings unset.</summary>
    /// <param name="folder">The folder.</param>
    /// <returns>The settings. Those of tokenizer_config.json count before special_tokens_map.json, a chat_template.jinja before both.</returns>
    /// <exception cref="TokenizerException">A file is malformed.</exception>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    public static TokenizerConfig FromFolder(string folder)
    {
        ArgumentNullException.ThrowIfNull(folder);
        if (!Directory.Exists(folder))
        {
            throw new DirectoryNotFoundException($"TokenizerConfig: there is no folder {folder}.");
        }

        string configPath = Path.Combine(folder, ConfigFile);
        TokenizerConfig config = File.Exists(configPath) ? Parse(File.ReadAllBytes(configPath), ConfigFile) : new TokenizerConfig();
        string mapPath = Path.Combine(folder, SpecialTokensFile);
        if (File.Exists(mapPath))
        {
            config = config.Or(Parse(File.ReadAllBytes(mapPath), SpecialTokensFile));
        }

        var templates = new Dictionary<string, string>(config.ChatTemplates, StringComparer.Ordinal);
        string templatePath = Path.Combine(folder, "chat_template.jinja");
        if (File.Exists(templatePath))
        {
            templates["default"] = File.ReadAllText(templatePath);
        }

        string furtherPath = Path.Combine(folder, "additional_chat_templates");
        if (Directory.Exists(furtherPath))
        {
            foreach (string file in Directory.EnumerateFiles(furtherPath, "*.jinja").Order(StringComparer.Ordinal))
            {
                templates[Path.GetFileNameWithoutExtension(file)] = File.ReadAllText(file);
            }
        }

        return config with { ChatTemplates = templates };
    }

    /// <summary>Reads the contents of a tokenizer_config.json or special_tokens_map.json.</summary>
    /// <param name="utf8">The contents.</param>
    /// <param name="source">What to call them in errors, such as a file name.</param>
    /// <returns>The settings.</returns>
    /// <exception cref="TokenizerException">The contents are malformed.</exception>
    public static TokenizerConfig Parse(ReadOnlyMemory<byte> utf8, string source)
    {
        if (utf8.Span.StartsWith("\uFEFF"u8))
        {
            utf8 = utf8[3..];
        }

        try
        {
            using JsonDocument document = JsonDocument.Parse(utf8);
            return Read(new JsonPart(document.RootElement, source, string.Empty));
        }
        catch (JsonException e)
        {
            throw new TokenizerException(source, $"line {e.LineNumber + 1}, byte {e.BytePositionInLine + 1}", $"the file is not valid JSON: {e.Message}", e);
        }
    }

    private static TokenizerConfig Read(JsonPart json) => new()
    {
        TokenizerClass = json.StringOrNull("tokenizer_class"),
        ModelMaxLength = MaxLength(json.Member("model_max_length")),
        BosToken = Token(json.Member("bos_token")),
        EosToken = Token(json.Member("eos_token")),
        UnkToken = Token(json.Member("unk_token")),
        SepToken = Token(json.Member("sep_token")),
        PadToken = Token(json.Member("pad_token")),
        ClsToken = Token(json.Member("cls_token")),
        MaskToken = Token(json.Member("mask_token")),
        AdditionalSpecialTokens = FurtherTokens(json),
        AddedTokens = Added(json.Member("added_tokens_decoder")),
        AddBosToken = Flag(json, "add_bos_token"),
        AddEosToken = Flag(json, "add_eos_token"),
        AddPrefixSpace = Flag(json, "add_prefix_space"),
        DoLowerCase = Flag(json, "do_lower_case"),
        StripAccents = Flag(json, "strip_accents"),
        TokenizeChineseChars = Flag(json, "tokenize_chinese_chars"),
        CleanUpTokenizationSpaces = Flag(json, "clean_up_tokenization_spaces"),
        PaddingSide = Side(json, "padding_side"),
        TruncationSide = Side(json, "truncation_side"),
        ChatTemplates = Templates(json.Member("chat_template")),
    };

    private static bool? Flag(JsonPart json, string name) => json.Member(name) is { IsNull: false } value ? value.AsBool() : null;

    private static TruncationSide? Side(JsonPart json, string name) =>
        json.Member(name).IsNull ? null : json.Enum(name, Tokenizers.TruncationSide.Right);

    /// <summary>A token is written as a string or as an object with its content.</summary>
    private static string? Token(JsonPart json) =>
        json.IsNull ? null
        : json.Element.ValueKind == JsonValueKind.Object ? json.String("content")
        : json.AsString();

    /// <summary>"No limit" is written as 1e30, which no whole number holds.</summary>
    private static int? MaxLength(JsonPart json) => json.IsNull || json.AsDouble() is > int.MaxValue or < 1 ? null : (int)json.AsDouble();

    private static List<string> FurtherTokens(JsonPart json)
    {
        JsonPart list = json.Member("additional_special_tokens");
        list = list.IsNull ? json.Member("extra_special_tokens") : list;
        return list.Element.ValueKind switch
        {
            JsonValueKind.Array => list.Items().ConvertAll(item => Token(item) ?? throw item.Error("expected a token.")),
            JsonValueKind.Object => [.. list.Element.EnumerateObject().Select(p => Token(list.Member(p.Name))!)], // named tokens
            _ => [],
        };
    }

    private static SortedDictionary<int, AddedToken> Added(JsonPart json)
    {
        var tokens = new SortedDictionary<int, AddedToken>();
        if (!json.IsNull)
        {
            _ = json.Member(string.Empty); // complains unless this is an object
            foreach (JsonProperty property in json.Element.EnumerateObject())
            {
                JsonPart token = json.Member(property.Name);
                tokens[int.TryParse(property.Name, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out int id)
                    ? id
                    : throw token.Error("the name of an added token is its id.")] = AddedToken.Read(token);
            }
        }

        return tokens;
    }

    private static Dictionary<string, string> Templates(JsonPart json)
    {
        var templates = new Dictionary<string, string>(StringComparer.Ordinal);
        if (json.Element.ValueKind == JsonValueKind.Array)
        {
            foreach (JsonPart item in json.Items())
            {
                templates[item.String("name")] = item.String("template");
            }
        }
        else if (!json.IsNull)
        {
            templates["default"] = json.AsString();
        }

        return templates;
    }

    /// <summary>These settings, and where they are silent about a special token, the other's.</summary>
    private TokenizerConfig Or(TokenizerConfig other) => this with
    {
        BosToken = BosToken ?? other.BosToken,
        EosToken = EosToken ?? other.EosToken,
        UnkToken = UnkToken ?? other.UnkToken,
        SepToken = SepToken ?? other.SepToken,
        PadToken = PadToken ?? other.PadToken,
        ClsToken = ClsToken ?? other.ClsToken,
        MaskToken = MaskToken ?? other.MaskToken,
        AdditionalSpecialTokens = AdditionalSpecialTokens.Count > 0 ? AdditionalSpecialTokens : other.AdditionalSpecialTokens,
    };
}
