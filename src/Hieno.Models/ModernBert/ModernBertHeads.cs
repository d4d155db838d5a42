using Hieno.Formats;
using Hieno.Models.Decoders;
using Hieno.Models.Heads;
using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Models.ModernBert;

/// <summary>What both heads begin with: a layer, an activation and a norm.</summary>
internal sealed class ModernBertTransform : Module
{
    private readonly Linear _dense;
    private readonly LayerNorm _norm;
    private readonly Activation _activation;

    /// <summary>Takes <c>head.dense</c> and <c>head.norm</c> from <paramref name="root"/>.</summary>
    public ModernBertTransform(ModelConfig config, DecoderSettings settings, WeightScope root)
        : base(root.At("head").Path)
    {
        WeightScope head = root.At("head").As(ParameterKind.Head).AtDepth(settings.Layers + 1);
        _activation = config.GetActivation("classifier_activation", "gelu");
        _dense = Add(new Linear(head.At("dense"), settings.Width, settings.Width, settings.Normal, config.GetBool("classifier_bias", false)));
        _norm = Add(ModernBertFamily.NormOf(config, head.At("norm"), settings.Width));
    }

    /// <summary>Runs them.</summary>
    /// <param name="x">[..., C].</param>
    public Tensor Forward(Tensor x) => _norm.Forward(Ops.Activate(_dense.Forward(x), _activation));
}

/// <summary>The head that predicts masked tokens.</summary>
internal sealed class ModernBertMaskedHead : VocabularyHead
{
    private readonly ModernBertTransform _transform;

    /// <summary>Takes <c>decoder.bias</c>, and <c>decoder.weight</c> where it is not tied, from <paramref name="root"/>.</summary>
    public ModernBertMaskedHead(ModernBertTransform transform, WeightScope root, Backbone backbone, DecoderSettings settings, bool bias)
        : base(root.At("decoder").Path)
    {
        WeightScope decoder = root.At("decoder").As(ParameterKind.Head).AtDepth(settings.Layers + 1);
        _transform = Add(transform);
        Projection = settings.Tied ? backbone.TokenTable : Add(decoder.Weight("weight", [settings.Vocabulary, settings.Width], settings.Normal));
        Offset = bias ? Add(decoder.Weight("bias", [settings.Vocabulary], Initializer.Zeros)) : null;
    }

    /// <inheritdoc/>
    public override Parameter Projection { get; }

    /// <inheritdoc/>
    public override Parameter? Offset { get; }

    /// <inheritdoc/>
    public override Tensor Prepare(Tensor hidden) => _transform.Forward(hidden);
}

/// <summary>The classifier: the first token, or the mean of all, through the transform and a linear layer.</summary>
internal sealed class ModernBertClassificationHead : ClassificationHead
{
    private readonly ModernBertTransform _transform;
    private readonly Linear _classifier;
    private readonly float _dropout;
    private readonly bool _readsMean;

    /// <summary>Takes <c>classifier</c> from <paramref name="root"/>.</summary>
    /// <exception cref="CheckpointException">Rows are to be read in another way.</exception>
    public ModernBertClassificationHead(ModelConfig config, ModernBertTransform transform, WeightScope root, DecoderSettings settings, int outputs)
        : base(root.Path)
    {
        const string Key = "classifier_pooling";
        _readsMean = config.GetString(Key, "cls") switch
        {
            "mean" => true,
            "cls" => false,
            var other => throw config.Error(Key, $"is '{other}'. Known are cls and mean", "Use the configuration that came with the weights"),
        };
        _dropout = config.GetFloat("classifier_dropout", 0f);
        _transform = Add(transform);
        _classifier = Add(new Linear(root.At("classifier").As(ParameterKind.Head).AtDepth(settings.Layers + 1), settings.Width, outputs, settings.Normal));
    }

    /// <inheritdoc/>
    public override int Outputs => _classifier.Out;

    /// <inheritdoc/>
    public override int[]? TokensRead(TokenBatch batch) => _readsMean ? null : batch.FirstTokens();

    /// <inheritdoc/>
    public override Tensor Forward(Tensor hidden, TokenBatch batch)
    {
        Tensor row = _readsMean ? Ops.SegmentMean(hidden, [.. batch.FirstTokens(), batch.Ids.Length]) : hidden; // [rows, C]
        return _classifier.Forward(Ops.Dropout(_transform.Forward(row), _dropout));
    }
}
