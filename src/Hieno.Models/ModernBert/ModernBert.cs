using Hieno.Formats;
using Hieno.Models.Decoders;
using Hieno.Models.Heads;
using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Models.ModernBert;

/// <summary>ModernBERT: an encoder built as decoders are, with rotary positions, gated layers, norms before the parts, and a window in two of three layers.</summary>
/// <remarks>Warner et al. 2024, <see href="https://arxiv.org/abs/2412.13663"/>, section 2.1.</remarks>
public sealed class ModernBertFamily : DecoderFamily
{
    /// <inheritdoc/>
    public override string ModelType => "modernbert";

    /// <inheritdoc/>
    public override IReadOnlyList<string> DefaultTargets => ["Wqkv"];

    /// <inheritdoc/>
    public override string Architecture(HeadKind head) => ClassPrefix + (head == HeadKind.Language ? "ForMaskedLM" : "ForSequenceClassification");

    /// <inheritdoc/>
    public override VocabularyHead CreateLanguageHead(ModelConfig config, WeightScope root, Backbone backbone)
    {
        ArgumentNullException.ThrowIfNull(config);
        DecoderSettings settings = Settings(config);
        return new ModernBertMaskedHead(new ModernBertTransform(config, settings, root), root, backbone, settings, config.GetBool("decoder_bias", true));
    }

    /// <inheritdoc/>
    public override ClassificationHead CreateClassificationHead(ModelConfig config, WeightScope root, Backbone backbone, int outputs)
    {
        ArgumentNullException.ThrowIfNull(config);
        DecoderSettings settings = Settings(config);
        return new ModernBertClassificationHead(config, new ModernBertTransform(config, settings, root), root, settings, outputs);
    }

    /// <inheritdoc/>
    public override bool IsForeign(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return base.IsForeign(name) || name.StartsWith("head.", StringComparison.Ordinal) || name.StartsWith("decoder.", StringComparison.Ordinal) || name.StartsWith("classifier.", StringComparison.Ordinal);
    }

    /// <inheritdoc/>
    protected override string ClassPrefix => "ModernBert";

    /// <inheritdoc/>
    protected override DecoderSettings Settings(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        (int width, int heads) = (config.GetInt("hidden_size"), DecoderSettings.Positive(config, "num_attention_heads"));
        (int headWidth, int positions) = (width / heads, config.GetInt("max_position_embeddings", 8192));
        int every = DecoderSettings.Positive(config, "global_attn_every_n_layers", 3);
        int reach = config.GetInt("local_attention", 128) / 2;
        bool[] sliding = LayerKinds.AreSliding(config, layer => layer % every != 0);
        float attentionDropout = config.GetFloat("attention_dropout", 0f);
        bool bias = config.GetBool("attention_bias", false);
        var full = RopeSettings.Read(config, headWidth, positions, new RopeKeys { Theta = "global_rope_theta", DefaultTheta = 160_000, LayerKind = LayerKinds.Full });
        var local = RopeSettings.Read(config, headWidth, positions, new RopeKeys { Theta = "local_rope_theta", DefaultTheta = 10_000, LayerKind = LayerKinds.Sliding });
        return new DecoderSettings
        {
            Names = new DecoderNames
            {
                Tokens = "embeddings.tok_embeddings",
                EmbeddingNorm = "embeddings.norm",
                FinalNorm = "final_norm",
                AttentionNorm = "attn_norm",
                FeedForwardNorm = "mlp_norm",
                Attention = "attn",
                Fused = "attn.Wqkv",
                Output = "attn.Wo",
                Gate = null,
                Up = "mlp.Wi",
                Down = "mlp.Wo",
            },
            Width = width,
            Layers = config.GetInt("num_hidden_layers"),
            Heads = heads,
            KvHeads = heads,
            HeadWidth = headWidth,
            Hidden = config.GetInt("intermediate_size"),
            Vocabulary = config.GetInt("vocab_size"),
            Positions = positions,
            Rope = layer => sliding[layer] ? local : full,
            IsCausal = false,
            Window = layer => sliding[layer] ? reach : null,
            BeginsUnnormed = true,
            Norm = w => NormOf(config, w, width),
            Activation = config.GetActivation("hidden_activation", "gelu"),
            FeedForward = (settings, w, _) => new FusedGatedFeedForward(settings, w),
            QueryKeyValueBias = bias,
            OutputBias = bias,
            FeedForwardBias = config.GetBool("mlp_bias", false),
            EmbeddingDropout = config.GetFloat("embedding_dropout", 0f),
            AttentionDropout = attentionDropout,
            AttentionOutputDropout = attentionDropout,
            InnerDropout = config.GetFloat("mlp_dropout", 0f),
            Normal = Initializer.Normal(config.GetFloat("initializer_range", 0.02f)),
            Tied = config.GetBool("tie_word_embeddings", true),
        };
    }

    /// <summary>The norm of body and heads.</summary>
    internal static LayerNorm NormOf(ModelConfig config, WeightScope w, int width) =>
        new(w, width, config.GetFloat("norm_eps", 1e-5f), bias: config.GetBool("norm_bias", false));
}
