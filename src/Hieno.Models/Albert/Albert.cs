using Hieno.Formats;
using Hieno.Models.Encoders;
using Hieno.Models.Heads;
using Hieno.Tensors;

namespace Hieno.Models.Albert;

/// <summary>ALBERT: BERT whose blocks share their weights, with tables narrower than the blocks.</summary>
/// <remarks>Lan et al. 2019, <see href="https://arxiv.org/abs/1909.11942"/>, section 3.1.</remarks>
public sealed class AlbertFamily : EncoderFamily
{
    private static readonly MaskedHeadNames s_head = new("predictions", "predictions.dense", "predictions.LayerNorm", "predictions.decoder", "predictions");

    /// <inheritdoc/>
    public override string ModelType => "albert";

    /// <inheritdoc/>
    public override string BasePrefix => "albert";

    /// <inheritdoc/>
    public override VocabularyHead CreateLanguageHead(ModelConfig config, WeightScope root, Backbone backbone)
    {
        EncoderSettings settings = Settings(config);
        return new MaskedHead(root, backbone, s_head, settings.Activation, settings.Eps, settings.Tied, settings.Normal);
    }

    /// <inheritdoc/>
    public override ClassificationHead CreateClassificationHead(ModelConfig config, WeightScope root, Backbone backbone, int outputs) => new FirstTokenHead(
        root, backbone, ($"{BasePrefix}.pooler", "classifier"), Activation.Tanh, (0f, config.GetFloat("classifier_dropout_prob", 0.1f)), outputs, Settings(config).Normal);

    /// <inheritdoc/>
    protected override string ClassPrefix => "Albert";

    /// <inheritdoc/>
    protected override EncoderSettings Settings(ModelConfig config)
    {
        EncoderSettings settings = EncoderSettings.OfBertKeys(config, activation: "gelu_new", dropout: 0f);
        int groups = config.GetInt("num_hidden_groups", 1);
        if (config.GetInt("inner_group_num", 1) != 1)
        {
            throw config.Error("inner_group_num", $"is {config.GetInt("inner_group_num")}, but groups are read as one block each", "Use a model whose groups have one block");
        }

        return groups >= 1 && groups <= settings.Layers
            ? settings with
            {
                Names = Names,
                TokenWidth = config.GetInt("embedding_size", 128),
                Groups = groups,
            }
            : throw config.Error("num_hidden_groups", $"is {groups}, expected 1 to {settings.Layers}, the number of blocks", "Use the configuration that came with the weights");
    }

    private static EncoderNames Names { get; } = new()
    {
        Projection = "encoder.embedding_hidden_mapping_in",
        Blocks = "encoder.albert_layer_groups",
        Attention = "albert_layers.0.attention",
        Query = "albert_layers.0.attention.query",
        Key = "albert_layers.0.attention.key",
        Value = "albert_layers.0.attention.value",
        Output = "albert_layers.0.attention.dense",
        AttentionNorm = "albert_layers.0.attention.LayerNorm",
        Up = "albert_layers.0.ffn",
        Down = "albert_layers.0.ffn_output",
        FeedForwardNorm = "albert_layers.0.full_layer_layer_norm",
    };
}
