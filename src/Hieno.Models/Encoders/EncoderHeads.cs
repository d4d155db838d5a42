using Hieno.Models.Heads;
using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Models.Encoders;

/// <summary>The head that predicts masked tokens: a small transform, then the tied token table with an offset of its own.</summary>
public sealed class MaskedHead : VocabularyHead
{
    private readonly Linear _transform;
    private readonly LayerNorm _norm;
    private readonly Activation _activation;

    /// <summary>Builds the head.</summary>
    /// <param name="root">The root of the checkpoint.</param>
    /// <param name="backbone">The body it reads from.</param>
    /// <param name="names">What the checkpoint calls its parts.</param>
    /// <param name="activation">The function of the transform.</param>
    /// <param name="eps">Added under the root of its norm.</param>
    /// <param name="tied">True when the token table is also the projection.</param>
    /// <param name="normal">First values of weights.</param>
    /// <param name="hasBias">False for a transform and a norm without offsets.</param>
    public MaskedHead(WeightScope root, Backbone backbone, MaskedHeadNames names, Activation activation, float eps, bool tied, Initializer normal, bool hasBias = true)
        : base((names ?? throw new ArgumentNullException(nameof(names))).Path)
    {
        ArgumentNullException.ThrowIfNull(root);
        ArgumentNullException.ThrowIfNull(backbone);
        _activation = activation;
        WeightScope head = root.As(ParameterKind.Head).AtDepth(backbone.Blocks.Count + 1);
        (int vocabulary, int width) = (backbone.TokenTable.Value.Shape[0], backbone.TokenTable.Value.Shape[1]);
        _transform = Add(new Linear(head.At(names.Transform), backbone.Width, width, normal, hasBias));
        _norm = Add(new LayerNorm(head.At(names.Norm), width, eps, bias: hasBias));
        Projection = tied ? backbone.TokenTable : Add(head.At(names.Decoder).Weight("weight", [vocabulary, width], normal));
        Offset = Add(head.At(names.BiasOf).Weight("bias", [vocabulary], Initializer.Zeros));
    }

    /// <inheritdoc/>
    public override Parameter Projection { get; }

    /// <inheritdoc/>
    public override Parameter Offset { get; }

    /// <inheritdoc/>
    public override Tensor Prepare(Tensor hidden) => _norm.Forward(Ops.Activate(_transform.Forward(hidden), _activation));
}

/// <summary>What a checkpoint calls the parts of a head that predicts masked tokens.</summary>
/// <param name="Path">Where the head lies.</param>
/// <param name="Transform">The layer of its transform.</param>
/// <param name="Norm">The norm behind it.</param>
/// <param name="Decoder">The projection, where it is not the token table.</param>
/// <param name="BiasOf">What the offset of the logits is the <c>bias</c> of.</param>
public sealed record MaskedHeadNames(string Path, string Transform, string Norm, string Decoder, string BiasOf)
{
    /// <summary>BERT's.</summary>
    public static MaskedHeadNames Bert { get; } = new("cls.predictions", "cls.predictions.transform.dense", "cls.predictions.transform.LayerNorm", "cls.predictions.decoder", "cls.predictions");

    /// <summary>RoBERTa's.</summary>
    public static MaskedHeadNames Roberta { get; } = new("lm_head", "lm_head.dense", "lm_head.layer_norm", "lm_head.decoder", "lm_head");
}

/// <summary>The classifier: the first token through a layer with an activation, then through a linear layer.</summary>
public sealed class FirstTokenHead : ClassificationHead
{
    private readonly Linear _dense;
    private readonly Linear _classifier;
    private readonly Activation _activation;
    private readonly (float Before, float After) _dropout;

    /// <summary>Builds the head.</summary>
    /// <param name="root">The root of the checkpoint.</param>
    /// <param name="backbone">The body it reads from.</param>
    /// <param name="names">What the checkpoint calls its two layers.</param>
    /// <param name="activation">The function between them.</param>
    /// <param name="dropout">Dropout of what the first and what the second layer reads.</param>
    /// <param name="outputs">Numbers for each row.</param>
    /// <param name="normal">First values of weights.</param>
    public FirstTokenHead(WeightScope root, Backbone backbone, (string Dense, string Classifier) names, Activation activation, (float Before, float After) dropout, int outputs, Initializer normal)
        : base((root ?? throw new ArgumentNullException(nameof(root))).Path)
    {
        ArgumentNullException.ThrowIfNull(backbone);
        (_activation, _dropout) = (activation, dropout);
        WeightScope head = root.As(ParameterKind.Head).AtDepth(backbone.Blocks.Count + 1);
        _dense = Add(new Linear(head.At(names.Dense), backbone.Width, backbone.Width, normal));
        _classifier = Add(new Linear(head.At(names.Classifier), backbone.Width, outputs, normal));
    }

    /// <inheritdoc/>
    public override int Outputs => _classifier.Out;

    /// <inheritdoc/>
    public override int[] TokensRead(TokenBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        return batch.FirstTokens(); // [CLS]
    }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor hidden, TokenBatch batch)
    {
        Tensor pooled = Ops.Activate(_dense.Forward(Ops.Dropout(hidden, _dropout.Before)), _activation); // [rows, C]
        return _classifier.Forward(Ops.Dropout(pooled, _dropout.After));                                 // [rows, outputs]
    }
}
