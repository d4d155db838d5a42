using System.Text.Json;
using Hieno.Formats;
using Hieno.Models.Decoders;
using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Models.GptNeo;

/// <summary>GPT-Neo: GPT-2 with scores that are not scaled, layers of their own for queries, keys and values, and a window in some layers.</summary>
/// <remarks>Black et al. 2021, "GPT-Neo: large scale autoregressive language modeling with Mesh-Tensorflow".</remarks>
public sealed class GptNeoFamily : DecoderFamily
{
    /// <inheritdoc/>
    public override string ModelType => "gpt_neo";

    /// <inheritdoc/>
    public override string BasePrefix => "transformer";

    /// <inheritdoc/>
    public override string BlockCountKey => "num_layers";

    /// <inheritdoc/>
    protected override string ClassPrefix => "GPTNeo";

    /// <inheritdoc/>
    protected override DecoderSettings Settings(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        (int width, int heads) = (config.GetInt("hidden_size"), DecoderSettings.Positive(config, KeyOf(config, "num_heads", "num_attention_heads")));
        int layers = config.GetInt(KeyOf(config, "num_layers", "num_hidden_layers"));
        int window = config.GetInt("window_size", 256);
        bool[] local = AreLocal(config, layers);
        float eps = config.GetFloat("layer_norm_epsilon", 1e-5f);
        float dropout = config.GetFloat("resid_dropout", 0f);
        return new DecoderSettings
        {
            Names = new DecoderNames
            {
                Tokens = "wte",
                Positions = "wpe",
                Blocks = "h",
                FinalNorm = "ln_f",
                AttentionNorm = "ln_1",
                FeedForwardNorm = "ln_2",
                Attention = "attn.attention",
                Query = "attn.attention.q_proj",
                Key = "attn.attention.k_proj",
                Value = "attn.attention.v_proj",
                Output = "attn.attention.out_proj",
                Gate = null,
                Up = "mlp.c_fc",
                Down = "mlp.c_proj",
            },
            Width = width,
            Layers = layers,
            Heads = heads,
            KvHeads = heads,
            HeadWidth = width / heads,
            Hidden = config.GetInt("intermediate_size", 4 * width),
            Vocabulary = config.GetInt("vocab_size"),
            Positions = config.GetInt("max_position_embeddings", 2048),
            Norm = w => new LayerNorm(w, width, eps),
            Activation = config.GetActivation("activation_function", "gelu_new"),
            OutputBias = true,
            FeedForwardBias = true,
            AttentionScale = _ => 1f,
            Window = layer => local[layer] ? window : null,
            EmbeddingDropout = config.GetFloat("embed_dropout", 0f),
            AttentionDropout = config.GetFloat("attention_dropout", 0f),
            AttentionOutputDropout = dropout,
            FeedForwardDropout = dropout,
            Normal = Initializer.Normal(config.GetFloat("initializer_range", 0.02f)),
            Tied = config.GetBool("tie_word_embeddings", true),
        };
    }

    // "attention_types" is [[["global", "local"], 12], …]: a list of patterns, each with how often it is repeated.
    private static bool[] AreLocal(ModelConfig config, int layers)
    {
        const string Key = "attention_types";
        string[] kinds = config.GetStrings("attention_layers") is { } listed ? [.. listed]
            : config.Has(Key) ? [.. Repeated(config, Key)]
            : [.. Enumerable.Range(0, layers).Select(layer => layer % 2 == 0 ? "global" : "local")];
        string key = config.Has("attention_layers") ? "attention_layers" : Key;
        string? unknown = Array.Find(kinds, kind => kind is not ("global" or "local"));
        return unknown is not null ? throw config.Error(key, $"names '{unknown}'. Known are global and local", "Use the configuration that came with the weights")
            : kinds.Length == layers ? [.. kinds.Select(kind => kind == "local")]
            : throw config.Error(key, $"describes {kinds.Length} layers, expected {layers}", "Use the configuration that came with the weights");
    }

    private static IEnumerable<string> Repeated(ModelConfig config, string key)
    {
        JsonElement patterns = config.Json.GetProperty(key);
        bool isWellFormed = patterns.ValueKind == JsonValueKind.Array && patterns.EnumerateArray().All(pattern =>
            pattern.ValueKind == JsonValueKind.Array && pattern.GetArrayLength() == 2
            && pattern[0].ValueKind == JsonValueKind.Array && pattern[0].EnumerateArray().All(kind => kind.ValueKind == JsonValueKind.String)
            && pattern[1].ValueKind == JsonValueKind.Number && pattern[1].TryGetInt32(out int times) && times is >= 0 and <= 10_000);
        return isWellFormed
            ? patterns.EnumerateArray().SelectMany(pattern => Enumerable.Repeat(pattern[0].EnumerateArray().Select(kind => kind.GetString()!).ToArray(), pattern[1].GetInt32()).SelectMany(kinds => kinds))
            : throw config.Error(key, "is no list of patterns with how often each is repeated, such as [[[\"global\", \"local\"], 12]]", "Use the configuration that came with the weights");
    }
}
