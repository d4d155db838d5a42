using Hieno.Formats;
using Hieno.Models.Encoders;
using Hieno.Models.Heads;
using Hieno.Tensors;

namespace Hieno.Models.Bert;

/// <summary>BERT: every token sees the whole row; norms after each part.</summary>
/// <remarks>Devlin et al. 2018, <see href="https://arxiv.org/abs/1810.04805"/>, section 3.</remarks>
public sealed class BertFamily : EncoderFamily
{
    /// <inheritdoc/>
    public override string ModelType => "bert";

    /// <inheritdoc/>
    public override string BasePrefix => "bert";

    /// <inheritdoc/>
    public override ModelConfig? Narrow(ModelConfig config, int divisor)
    {
        EncoderSettings wide = Settings(config);
        int width = wide.Width / divisor;
        return With(config, ("hidden_size", width), ("intermediate_size", Math.Max(1, wide.Hidden / divisor)), ("num_attention_heads", NarrowHeads(width, wide.HeadWidth)),
            ("vocab_size", 1), ("max_position_embeddings", 1), ("type_vocab_size", 1));
    }

    /// <inheritdoc/>
    public override VocabularyHead CreateLanguageHead(ModelConfig config, WeightScope root, Backbone backbone)
    {
        EncoderSettings settings = Settings(config);
        return new MaskedHead(root, backbone, MaskedHeadNames.Bert, settings.Activation, settings.Eps, settings.Tied, settings.Normal);
    }

    /// <inheritdoc/>
    public override ClassificationHead CreateClassificationHead(ModelConfig config, WeightScope root, Backbone backbone, int outputs)
    {
        EncoderSettings settings = Settings(config);
        float dropout = config.GetFloat("classifier_dropout", settings.HiddenDropout);
        return new FirstTokenHead(root, backbone, ($"{BasePrefix}.pooler.dense", "classifier"), Activation.Tanh, (0f, dropout), outputs, settings.Normal);
    }

    /// <inheritdoc/>
    protected override string ClassPrefix => "Bert";

    /// <inheritdoc/>
    protected override EncoderSettings Settings(ModelConfig config) => EncoderSettings.OfBertKeys(config);
}
