using Hieno.Formats;
using Hieno.Models.Encoders;
using Hieno.Models.Heads;
using Hieno.Tensors;

namespace Hieno.Models.DebertaV2;

/// <summary>DeBERTa (versions 2 and 3): BERT whose scores know of distances in place of positions.</summary>
/// <remarks>He et al. 2020, <see href="https://arxiv.org/abs/2006.03654"/>, section 3; version 3: <see href="https://arxiv.org/abs/2111.09543"/>.</remarks>
public sealed class DebertaV2Family : EncoderFamily
{
    /// <inheritdoc/>
    public override string ModelType => "deberta-v2";

    /// <inheritdoc/>
    public override string BasePrefix => "deberta";

    /// <inheritdoc/>
    public override IReadOnlyList<string> DefaultTargets => ["query_proj", "value_proj"];

    /// <inheritdoc/>
    public override VocabularyHead CreateLanguageHead(ModelConfig config, WeightScope root, Backbone backbone)
    {
        EncoderSettings settings = Settings(config);
        return config.GetBool("legacy", true)
            ? new MaskedHead(root, backbone, MaskedHeadNames.Bert, settings.Activation, settings.Eps, settings.Tied, settings.Normal)
            : throw config.Error("legacy", "is false, but the head that predicts tokens is read as the older one", "Use a model with the older head, or open it as a classifier");
    }

    /// <inheritdoc/>
    public override ClassificationHead CreateClassificationHead(ModelConfig config, WeightScope root, Backbone backbone, int outputs)
    {
        EncoderSettings settings = Settings(config);
        (float, float) dropout = (config.GetFloat("pooler_dropout", 0f), config.GetFloat("cls_dropout", settings.HiddenDropout));
        return new FirstTokenHead(root, backbone, ("pooler.dense", "classifier"), config.GetActivation("pooler_hidden_act", "gelu"), dropout, outputs, settings.Normal);
    }

    /// <inheritdoc/>
    protected override string ClassPrefix => "DebertaV2";

    /// <inheritdoc/>
    protected override EncoderSettings Settings(ModelConfig config)
    {
        EncoderSettings settings = EncoderSettings.OfBertKeys(config, eps: 1e-7f, types: 0);
        if (config.GetInt("conv_kernel_size", 0) > 0)
        {
            throw config.Error("conv_kernel_size", $"is {config.GetInt("conv_kernel_size")}, but blocks are read without convolution", "Use a model without it, such as deberta-v3-base");
        }

        DisentangledOptions? relative = config.GetBool("relative_attention", false) ? DisentangledOptions.Read(config, settings.Positions) : null;
        return settings with
        {
            Names = new EncoderNames
            {
                Positions = config.GetBool("position_biased_input", true) ? "embeddings.position_embeddings" : null,
                Projection = "embeddings.embed_proj",
                Query = "attention.self.query_proj",
                Key = "attention.self.key_proj",
                Value = "attention.self.value_proj",
            },
            TokenWidth = config.GetInt("embedding_size", settings.Width),
            ProjectionBias = false,
            AttentionScale = 1f / MathF.Sqrt(settings.HeadWidth * (relative?.Terms ?? 1)),
            Relative = relative is null ? null : (all, w) => new DisentangledPositions(all, relative, w.At("encoder")),
        };
    }
}
