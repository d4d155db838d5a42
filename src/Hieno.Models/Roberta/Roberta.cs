using Hieno.Formats;
using Hieno.Models.Encoders;
using Hieno.Models.Heads;
using Hieno.Tensors;

namespace Hieno.Models.Roberta;

/// <summary>RoBERTa: BERT with other heads, one token type, and positions that begin behind that of padding.</summary>
/// <remarks>Liu et al. 2019, <see href="https://arxiv.org/abs/1907.11692"/>, section 3.</remarks>
public class RobertaFamily : EncoderFamily
{
    /// <inheritdoc/>
    public override string ModelType => "roberta";

    /// <inheritdoc/>
    public override string BasePrefix => "roberta";

    /// <inheritdoc/>
    public override VocabularyHead CreateLanguageHead(ModelConfig config, WeightScope root, Backbone backbone)
    {
        EncoderSettings settings = Settings(config);
        return new MaskedHead(root, backbone, MaskedHeadNames.Roberta, Activation.Gelu, settings.Eps, settings.Tied, settings.Normal);
    }

    /// <inheritdoc/>
    public override ClassificationHead CreateClassificationHead(ModelConfig config, WeightScope root, Backbone backbone, int outputs)
    {
        EncoderSettings settings = Settings(config);
        float dropout = config.GetFloat("classifier_dropout", settings.HiddenDropout);
        return new FirstTokenHead(root, backbone, ("classifier.dense", "classifier.out_proj"), Activation.Tanh, (dropout, dropout), outputs, settings.Normal);
    }

    /// <inheritdoc/>
    protected override string ClassPrefix => "Roberta";

    /// <inheritdoc/>
    protected override EncoderSettings Settings(ModelConfig config) => WithoutPadding(config, EncoderSettings.OfBertKeys(config));

    /// <summary>The settings where the table of positions begins with rows up to that of padding, which no token has.</summary>
    /// <exception cref="CheckpointException">The table would hold nothing else.</exception>
    internal static EncoderSettings WithoutPadding(ModelConfig config, EncoderSettings settings)
    {
        int offset = config.GetInt("pad_token_id", 1) + 1;
        return settings.Positions > offset
            ? settings with { Positions = settings.Positions - offset, PositionOffset = offset }
            : throw config.Error("max_position_embeddings", $"is {settings.Positions}, of which {offset} belong to padding", "Use the configuration that came with the weights");
    }
}
