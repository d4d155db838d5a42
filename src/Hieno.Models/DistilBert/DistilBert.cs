using Hieno.Formats;
using Hieno.Models.Encoders;
using Hieno.Models.Heads;
using Hieno.Tensors;

namespace Hieno.Models.DistilBert;

/// <summary>DistilBERT: BERT with half the blocks and without token types.</summary>
/// <remarks>Sanh et al. 2019, <see href="https://arxiv.org/abs/1910.01108"/>, section 2.</remarks>
public sealed class DistilBertFamily : EncoderFamily
{
    private static readonly EncoderNames s_names = new()
    {
        Types = null,
        Blocks = "transformer.layer",
        Attention = "attention",
        Query = "attention.q_lin",
        Key = "attention.k_lin",
        Value = "attention.v_lin",
        Output = "attention.out_lin",
        AttentionNorm = "sa_layer_norm",
        Up = "ffn.lin1",
        Down = "ffn.lin2",
        FeedForwardNorm = "output_layer_norm",
    };

    private static readonly MaskedHeadNames s_head = new("vocab_projector", "vocab_transform", "vocab_layer_norm", "vocab_projector", "vocab_projector");

    /// <inheritdoc/>
    public override string ModelType => "distilbert";

    /// <inheritdoc/>
    public override string BasePrefix => "distilbert";

    /// <inheritdoc/>
    public override IReadOnlyList<string> DefaultTargets => ["q_lin", "v_lin"];

    /// <inheritdoc/>
    public override string BlockCountKey => "n_layers";

    /// <inheritdoc/>
    public override VocabularyHead CreateLanguageHead(ModelConfig config, WeightScope root, Backbone backbone)
    {
        EncoderSettings settings = Settings(config);
        return new MaskedHead(root, backbone, s_head, settings.Activation, settings.Eps, settings.Tied, settings.Normal);
    }

    /// <inheritdoc/>
    public override ClassificationHead CreateClassificationHead(ModelConfig config, WeightScope root, Backbone backbone, int outputs) => new FirstTokenHead(
        root, backbone, ("pre_classifier", "classifier"), Activation.Relu, (0f, config.GetFloat("seq_classif_dropout", 0.2f)), outputs, Settings(config).Normal);

    /// <inheritdoc/>
    protected override string ClassPrefix => "DistilBert";

    /// <inheritdoc/>
    protected override EncoderSettings Settings(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        int width = config.GetInt("dim");
        return new EncoderSettings
        {
            Names = s_names,
            Width = width,
            Layers = config.GetInt("n_layers"),
            Heads = EncoderSettings.HeadsOf(config, "n_heads", width),
            Hidden = config.GetInt("hidden_dim"),
            Vocabulary = config.GetInt("vocab_size"),
            Positions = config.GetInt("max_position_embeddings", 512),
            Activation = config.GetActivation("activation", "gelu"),
            Eps = 1e-12f, // no key states it
            HiddenDropout = config.GetFloat("dropout", 0.1f),
            AttentionOutputDropout = 0f,
            AttentionDropout = config.GetFloat("attention_dropout", 0.1f),
            Normal = Initializer.Normal(config.GetFloat("initializer_range", 0.02f)),
            Tied = config.GetBool("tie_word_embeddings", true),
        };
    }
}
