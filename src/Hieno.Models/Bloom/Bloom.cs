using Hieno.Formats;
using Hieno.Models.Decoders;
using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Models.Bloom;

/// <summary>BLOOM: scores fall with distance (ALiBi) in place of positions; a norm behind the token table.</summary>
/// <remarks>Le Scao et al. 2022, <see href="https://arxiv.org/abs/2211.05100"/>, section 3.2.</remarks>
public sealed class BloomFamily : DecoderFamily
{
    /// <inheritdoc/>
    public override string ModelType => "bloom";

    /// <inheritdoc/>
    public override string BasePrefix => "transformer";

    /// <inheritdoc/>
    public override IReadOnlyList<string> DefaultTargets => ["query_key_value"];

    /// <inheritdoc/>
    public override string BlockCountKey => "n_layer";

    /// <inheritdoc/>
    public override IReadOnlyList<string> ResidualOutputs => ["self_attention.dense", "mlp.dense_4h_to_h"];

    /// <inheritdoc/>
    protected override string ClassPrefix => "Bloom";

    /// <inheritdoc/>
    protected override DecoderSettings Settings(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        int width = config.GetInt(KeyOf(config, "n_embed", "hidden_size"));
        int heads = DecoderSettings.Positive(config, KeyOf(config, "n_head", "num_attention_heads"));
        float eps = config.GetFloat("layer_norm_epsilon", 1e-5f);
        float dropout = config.GetFloat("hidden_dropout", 0f);
        return new DecoderSettings
        {
            Names = new DecoderNames
            {
                Tokens = "word_embeddings",
                EmbeddingNorm = "word_embeddings_layernorm",
                Blocks = "h",
                FinalNorm = "ln_f",
                Attention = "self_attention",
                Fused = "self_attention.query_key_value",
                Output = "self_attention.dense",
                Gate = null,
                Up = "mlp.dense_h_to_4h",
                Down = "mlp.dense_4h_to_h",
            },
            Width = width,
            Layers = config.GetInt(KeyOf(config, "n_layer", "num_hidden_layers")),
            Heads = heads,
            KvHeads = heads,
            HeadWidth = width / heads,
            FusedLayout = FusedLayout.ByKeyHead,
            Hidden = 4 * width,
            Vocabulary = config.GetInt("vocab_size"),
            Positions = config.GetInt("seq_length", 2048),
            Slopes = Slopes(heads),
            ResidualIsNormed = config.GetBool("apply_residual_connection_post_layernorm", false),
            Norm = w => new LayerNorm(w, width, eps),
            Activation = Activation.GeluTanh,
            QueryKeyValueBias = true,
            OutputBias = true,
            FeedForwardBias = true,
            AttentionDropout = config.GetFloat("attention_dropout", 0f),
            AttentionOutputDropout = dropout,
            FeedForwardDropout = dropout,
            Normal = Initializer.Normal(config.GetFloat("initializer_range", 0.02f)),
            Tied = config.GetBool("tie_word_embeddings", true),
        };
    }

    /// <summary>ALiBi's slopes: 2^(−8i/n) for i = 1 … n where the number of heads n is a power of 2; else those of the power below, and every second one of the power above.</summary>
    /// <remarks>Press et al. 2021, <see href="https://arxiv.org/abs/2108.12409"/>, section 3; other numbers of heads as in its published code.</remarks>
    internal static float[] Slopes(int heads)
    {
        int power = 1 << (int)Math.Floor(Math.Log2(heads));
        double Slope(double i, int of) => Math.Pow(2, -8.0 * i / of);
        return
        [
            .. Enumerable.Range(1, power).Select(i => (float)Slope(i, power)),
            .. Enumerable.Range(0, heads - power).Select(i => (float)Slope((2 * i) + 1, 2 * power)),
        ];
    }
}
