using Hieno.Formats;
using Hieno.Models.Decoders;
using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Models.Falcon;

/// <summary>Falcon: attention and plain feed-forward layers side by side, few key heads, one layer for queries, keys and values.</summary>
/// <remarks>Almazrouei et al. 2023, <see href="https://arxiv.org/abs/2311.16867"/>, section 4.</remarks>
public sealed class FalconFamily : DecoderFamily
{
    /// <inheritdoc/>
    public override string ModelType => "falcon";

    /// <inheritdoc/>
    public override string BasePrefix => "transformer";

    /// <inheritdoc/>
    public override IReadOnlyList<string> DefaultTargets => ["query_key_value"];

    /// <inheritdoc/>
    public override IReadOnlyList<string> ResidualOutputs => ["self_attention.dense", "mlp.dense_4h_to_h"];

    /// <inheritdoc/>
    protected override string ClassPrefix => "Falcon";

    /// <inheritdoc/>
    protected override DecoderSettings Settings(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        ThrowIfAlibi(config);
        (int width, int heads) = (config.GetInt("hidden_size"), DecoderSettings.Positive(config, KeyOf(config, "num_attention_heads", "n_head")));
        int headWidth = width / heads;
        bool grouped = config.GetBool("new_decoder_architecture", false);
        bool oneKey = !grouped && config.GetBool("multi_query", true);
        bool parallel = grouped || config.GetBool("parallel_attn", true);
        bool bias = config.GetBool("bias", false);
        float eps = config.GetFloat("layer_norm_epsilon", 1e-5f);
        float dropout = config.GetFloat("hidden_dropout", 0f);
        var rope = RopeSettings.Read(config, headWidth, config.GetInt("max_position_embeddings", 2048));
        return new DecoderSettings
        {
            Names = Names(twoNorms: grouped && config.GetInt("num_ln_in_parallel_attn", 2) == 2, parallel),
            Width = width,
            Layers = config.GetInt(KeyOf(config, "num_hidden_layers", "n_layer")),
            Heads = heads,
            KvHeads = oneKey ? 1 : DecoderSettings.KeyHeads(config, "num_kv_heads", heads),
            HeadWidth = headWidth,
            FusedLayout = oneKey ? FusedLayout.Apart : FusedLayout.ByKeyHead,
            Hidden = config.GetInt("ffn_hidden_size", 4 * width),
            Vocabulary = config.GetInt("vocab_size"),
            Positions = rope.MaxPositions,
            Rope = _ => rope,
            Parallel = parallel,
            Norm = w => new LayerNorm(w, width, eps),
            Activation = config.GetActivation("activation", "gelu"),
            QueryKeyValueBias = bias,
            OutputBias = bias,
            FeedForwardBias = bias,
            AttentionDropout = config.GetFloat("attention_dropout", 0f),
            AttentionOutputDropout = dropout,
            FeedForwardDropout = dropout,
            Normal = Initializer.Normal(config.GetFloat("initializer_range", 0.02f)),
            Tied = config.GetBool("tie_word_embeddings", true),
        };
    }

    private static DecoderNames Names(bool twoNorms, bool parallel) => new()
    {
        Tokens = "word_embeddings",
        Blocks = "h",
        FinalNorm = "ln_f",
        AttentionNorm = twoNorms ? "ln_attn" : "input_layernorm",
        FeedForwardNorm = twoNorms ? "ln_mlp" : parallel ? null : "post_attention_layernorm",
        Attention = "self_attention",
        Fused = "self_attention.query_key_value",
        Output = "self_attention.dense",
        Gate = null,
        Up = "mlp.dense_h_to_4h",
        Down = "mlp.dense_4h_to_h",
    };

    // The reference rounds these distances to 16 bits before it adds them, which shows in the logits.
    private static void ThrowIfAlibi(ModelConfig config)
    {
        if (config.GetBool("alibi", false))
        {
            throw config.Error("alibi", "is true, but only rotary positions are read", "Use a Falcon with rotary positions, such as falcon-7b");
        }
    }
}
