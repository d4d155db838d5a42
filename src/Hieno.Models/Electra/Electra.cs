using Hieno.Formats;
using Hieno.Models.Encoders;
using Hieno.Models.Heads;
using Hieno.Tensors;

namespace Hieno.Models.Electra;

/// <summary>ELECTRA: BERT that was trained to tell replaced tokens; its tables may be narrower than its blocks.</summary>
/// <remarks>Clark et al. 2020, <see href="https://arxiv.org/abs/2003.10555"/>, section 2.</remarks>
public sealed class ElectraFamily : EncoderFamily
{
    private static readonly MaskedHeadNames s_head = new("generator_lm_head", "generator_predictions.dense", "generator_predictions.LayerNorm", "generator_lm_head", "generator_lm_head");

    /// <inheritdoc/>
    public override string ModelType => "electra";

    /// <inheritdoc/>
    public override string BasePrefix => "electra";

    /// <inheritdoc/>
    public override VocabularyHead CreateLanguageHead(ModelConfig config, WeightScope root, Backbone backbone)
    {
        EncoderSettings settings = Settings(config);
        return new MaskedHead(root, backbone, s_head, Activation.Gelu, settings.Eps, settings.Tied, settings.Normal);
    }

    /// <inheritdoc/>
    public override ClassificationHead CreateClassificationHead(ModelConfig config, WeightScope root, Backbone backbone, int outputs)
    {
        EncoderSettings settings = Settings(config);
        float dropout = config.GetFloat("classifier_dropout", settings.HiddenDropout);
        return new FirstTokenHead(root, backbone, ("classifier.dense", "classifier.out_proj"), Activation.Gelu, (dropout, dropout), outputs, settings.Normal);
    }

    /// <inheritdoc/>
    protected override string ClassPrefix => "Electra";

    /// <inheritdoc/>
    protected override EncoderSettings Settings(ModelConfig config) => EncoderSettings.OfBertKeys(config) with { TokenWidth = config.GetInt("embedding_size", 128) };
}
