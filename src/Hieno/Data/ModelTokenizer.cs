using Hieno.Formats;
using Hieno.Formats.ChatTemplates;
using Hieno.Formats.Tokenizers;

namespace Hieno.Data;

/// <summary>A model's tokenizer together with what its folder says about special tokens and chat.</summary>
public sealed class ModelTokenizer
{
    private ModelTokenizer(Tokenizer tokenizer, TokenizerConfig config, string folder, ChatTemplate? template)
    {
        (Tokenizer, Config, Folder, Template) = (tokenizer, config, folder, template);
        Tokenizer.Padding = null; // rows are never padded here, and cut only where a recipe says so
        Tokenizer.Truncation = null;
        SpecialTokens = Specials(config);
    }

    /// <summary>The tokenizer.</summary>
    public Tokenizer Tokenizer { get; }

    /// <summary>The settings beside it.</summary>
    public TokenizerConfig Config { get; }

    /// <summary>The folder it came from.</summary>
    public string Folder { get; }

    /// <summary>The chat template that came with it, or null.</summary>
    public ChatTemplate? Template { get; }

    /// <summary>Texts of the special tokens by the names that templates use, e.g. <c>eos_token</c>.</summary>
    public IReadOnlyDictionary<string, string> SpecialTokens { get; }

    /// <summary>Id of the token that ends a text, or null.</summary>
    public int? EndId => Config.EosToken is { } token ? Tokenizer.TokenToId(token) : null;

    /// <summary>Id of the token that stands for a hidden one, or null.</summary>
    public int? MaskId => Config.MaskToken is { } token ? Tokenizer.TokenToId(token) : null;

    /// <summary>Reads the tokenizer of a model folder.</summary>
    /// <exception cref="TokenizerException">There is none, or a file is malformed.</exception>
    /// <exception cref="ChatTemplateException">The chat template is malformed.</exception>
    public static ModelTokenizer Load(string folder)
    {
        var config = TokenizerConfig.FromFolder(folder);
        ChatTemplate? template = config.ChatTemplate is { } source ? ChatTemplate.Parse(source, Path.Combine(folder, "chat template")) : null;
        return new ModelTokenizer(Tokenizer.FromFolder(folder), config, folder, template);
    }

    /// <summary>The template a recipe asks for: a file, a built-in one by name, else the model's own, else <c>plain</c>.</summary>
    /// <exception cref="ChatTemplateException">The template is malformed.</exception>
    /// <exception cref="CheckpointException">There is no such file.</exception>
    public ChatTemplate ChooseTemplate(string? choice) => choice switch
    {
        null => Template ?? BuiltInTemplates.Get("plain"),
        "chatml" or "plain" => BuiltInTemplates.Get(choice),
        _ when File.Exists(choice) => ChatTemplate.Parse(File.ReadAllText(choice), choice),
        _ => throw new CheckpointException(ErrorCodes.CheckpointFileUnreadable, "data.chatTemplate", $"there is no file '{choice}'", "Give a file with a chat template, or chatml or plain"),
    };

    /// <summary>The special tokens that the model expects before and after one text, e.g. [CLS] and [SEP].</summary>
    public (int[] Before, int[] After) Frame()
    {
        int[] bare = Tokenizer.Encode("a", addSpecialTokens: false).Ids;
        int[] framed = Tokenizer.Encode("a").Ids;
        int before = 0;
        while (before + bare.Length < framed.Length && !framed.AsSpan(before, bare.Length).SequenceEqual(bare))
        {
            before++;
        }

        return (framed[..before], framed[(before + bare.Length)..]);
    }

    private static Dictionary<string, string> Specials(TokenizerConfig config)
    {
        var specials = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach ((string name, string? token) in new[]
        {
            ("bos_token", config.BosToken), ("eos_token", config.EosToken), ("unk_token", config.UnkToken), ("sep_token", config.SepToken),
            ("pad_token", config.PadToken), ("cls_token", config.ClsToken), ("mask_token", config.MaskToken),
        })
        {
            if (token is not null)
            {
                specials[name] = token;
            }
        }

        return specials;
    }
}
