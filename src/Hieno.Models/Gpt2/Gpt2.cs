using Hieno.Formats;
using Hieno.Models.Decoders;
using Hieno.Models.Heads;
using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Models.Gpt2;

/// <summary>GPT-2: learned positions, layer norms before each part, one layer for queries, keys and values, weights stored as [in, out].</summary>
/// <remarks>Radford et al. 2019, "Language models are unsupervised multitask learners".</remarks>
public sealed class Gpt2Family : DecoderFamily
{
    /// <inheritdoc/>
    public override string ModelType => "gpt2";

    /// <inheritdoc/>
    public override string BasePrefix => "transformer";

    /// <inheritdoc/>
    public override IReadOnlyList<string> DefaultTargets => ["c_attn"];

    /// <inheritdoc/>
    public override string BlockCountKey => "n_layer";

    /// <inheritdoc/>
    public override IReadOnlyList<string> ResidualOutputs => ["attn.c_proj", "mlp.c_proj"];

    /// <inheritdoc/>
    public override string Architecture(HeadKind head) => head == HeadKind.Language ? "GPT2LMHeadModel" : "GPT2ForSequenceClassification";

    /// <inheritdoc/>
    public override ModelConfig? Narrow(ModelConfig config, int divisor)
    {
        DecoderSettings wide = Settings(config);
        int width = wide.Width / divisor;
        return With(config, ("n_embd", width), ("n_inner", Math.Max(1, wide.Hidden / divisor)), ("n_head", NarrowHeads(width, wide.HeadWidth)), ("vocab_size", 1), ("n_positions", 1));
    }

    /// <inheritdoc/>
    protected override string ClassPrefix => "GPT2";

    /// <inheritdoc/>
    protected override DecoderSettings Settings(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        (int width, int heads, int layers) = (config.GetInt("n_embd"), DecoderSettings.Positive(config, "n_head"), config.GetInt("n_layer"));
        float eps = config.GetFloat("layer_norm_epsilon", 1e-5f);
        float range = config.GetFloat("initializer_range", 0.02f);
        float dropout = config.GetFloat("resid_pdrop", 0.1f);
        float scale = config.GetBool("scale_attn_weights", true) ? 1f / MathF.Sqrt(width / heads) : 1f;
        bool scalesByLayer = config.GetBool("scale_attn_by_inverse_layer_idx", false);
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
                Attention = "attn",
                Fused = "attn.c_attn",
                Output = "attn.c_proj",
                Gate = null,
                Up = "mlp.c_fc",
                Down = "mlp.c_proj",
            },
            Width = width,
            Layers = layers,
            Heads = heads,
            KvHeads = heads,
            HeadWidth = width / heads,
            Hidden = config.GetInt("n_inner", 4 * width),
            Vocabulary = config.GetInt("vocab_size"),
            Positions = config.GetInt("n_positions", 1024),
            Norm = w => new LayerNorm(w, width, eps),
            Activation = config.GetActivation("activation_function", "gelu_new"),
            Transposed = true,
            QueryKeyValueBias = true,
            OutputBias = true,
            FeedForwardBias = true,
            AttentionScale = layer => scalesByLayer ? scale / (layer + 1) : scale,
            EmbeddingDropout = config.GetFloat("embd_pdrop", 0.1f),
            AttentionDropout = config.GetFloat("attn_pdrop", 0.1f),
            AttentionOutputDropout = dropout,
            FeedForwardDropout = dropout,
            Normal = Initializer.Normal(range),
            OutputNormal = Initializer.Normal(range / MathF.Sqrt(2f * layers)), // so that the stream's size does not grow with depth
            Tied = config.GetBool("tie_word_embeddings", true),
        };
    }
}
