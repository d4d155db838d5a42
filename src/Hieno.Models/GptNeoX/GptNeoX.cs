using Hieno.Formats;
using Hieno.Models.Decoders;
using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Models.GptNeoX;

/// <summary>GPT-NeoX and Pythia: attention and feed-forward layers side by side, each behind a layer norm of its own, and a quarter of each head rotated.</summary>
/// <remarks>Black et al. 2022, <see href="https://arxiv.org/abs/2204.06745"/>, section 2.1; Pythia: Biderman et al. 2023, <see href="https://arxiv.org/abs/2304.01373"/>.</remarks>
public sealed class GptNeoXFamily : DecoderFamily
{
    /// <inheritdoc/>
    public override string ModelType => "gpt_neox";

    /// <inheritdoc/>
    public override string BasePrefix => "gpt_neox";

    /// <inheritdoc/>
    public override IReadOnlyList<string> DefaultTargets => ["query_key_value"];

    /// <inheritdoc/>
    public override IReadOnlyList<string> ResidualOutputs => ["attention.dense", "mlp.dense_4h_to_h"];

    /// <inheritdoc/>
    protected override string ClassPrefix => "GPTNeoX";

    /// <inheritdoc/>
    protected override DecoderSettings Settings(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        (int width, int heads) = (config.GetInt("hidden_size"), DecoderSettings.Positive(config, "num_attention_heads"));
        float eps = config.GetFloat("layer_norm_eps", 1e-5f);
        float dropout = config.GetFloat("hidden_dropout", 0f);
        bool bias = config.GetBool("attention_bias", true);
        var keys = new RopeKeys { Theta = KeyOf(config, "rotary_emb_base", "rope_theta"), Part = KeyOf(config, "rotary_pct", "partial_rotary_factor"), DefaultPart = 0.25 };
        var rope = RopeSettings.Read(config, width / heads, config.GetInt("max_position_embeddings", 2048), keys);
        return new DecoderSettings
        {
            Names = new DecoderNames
            {
                Tokens = "embed_in",
                FinalNorm = "final_layer_norm",
                Attention = "attention",
                Fused = "attention.query_key_value",
                Output = "attention.dense",
                Gate = null,
                Up = "mlp.dense_h_to_4h",
                Down = "mlp.dense_4h_to_h",
                Head = "embed_out",
            },
            Width = width,
            Layers = config.GetInt("num_hidden_layers"),
            Heads = heads,
            KvHeads = heads,
            HeadWidth = width / heads,
            FusedLayout = FusedLayout.ByKeyHead,
            Hidden = config.GetInt("intermediate_size"),
            Vocabulary = config.GetInt("vocab_size"),
            Positions = rope.MaxPositions,
            Rope = _ => rope,
            Parallel = config.GetBool("use_parallel_residual", true),
            Norm = w => new LayerNorm(w, width, eps),
            Activation = config.GetActivation("hidden_act", "gelu"),
            QueryKeyValueBias = bias,
            OutputBias = bias,
            FeedForwardBias = true,
            EmbeddingDropout = dropout,
            AttentionDropout = config.GetFloat("attention_dropout", 0f),
            AttentionOutputDropout = dropout,
            FeedForwardDropout = dropout,
            Normal = Initializer.Normal(config.GetFloat("initializer_range", 0.02f)),
            Tied = config.GetBool("tie_word_embeddings", false),
        };
    }
}
