using Hieno.Formats;
using Hieno.Models;
using Hieno.Models.Heads;
using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Architecture.Tests.Examples;

/// <summary>Deep averaging: a row is the mean of its tokens' vectors, read by a small network. Word order is ignored.</summary>
/// <remarks>Iyyer et al. 2015, "Deep Unordered Composition Rivals Syntactic Methods for Text Classification", section 3.</remarks>
public sealed class DeepAveragingBackbone : Backbone
{
    private readonly Embedding _tokens;
    private readonly int _width;
    private readonly int _vocabulary;

    /// <summary>Builds the body from the weights under <paramref name="w"/>.</summary>
    public DeepAveragingBackbone(ModelConfig config, WeightScope w)
        : base(w.Path)
    {
        (_width, _vocabulary) = (config.GetInt("hidden_size"), config.GetInt("vocab_size"));
        _tokens = Add(new Embedding(w.As(ParameterKind.Embedding).At("tokens"), _vocabulary, _width, Initializer.Normal(0.1f)));
    }

    /// <inheritdoc/>
    public override int Width => _width;

    /// <inheritdoc/>
    public override int VocabularySize => _vocabulary;

    /// <inheritdoc/>
    public override int MaxPositions => int.MaxValue;

    /// <inheritdoc/>
    public override IReadOnlyList<Module> Blocks => [];

    /// <inheritdoc/>
    public override bool IsCausal => false;

    /// <inheritdoc/>
    public override int KeyWidth => 0;

    /// <inheritdoc/>
    public override Parameter TokenTable => _tokens.Table;

    /// <inheritdoc/>
    protected override Tensor Embed(TokenBatch batch) => _tokens.Forward(batch.Ids); // [N, C]
}

/// <summary>The mean of a row's vectors, a layer of tanh, a linear layer.</summary>
public sealed class DeepAveragingHead : ClassificationHead
{
    private readonly Linear _hidden;
    private readonly Linear _out;

    /// <summary>Builds the head from <c>hidden</c> and <c>out</c> under <paramref name="root"/>.</summary>
    public DeepAveragingHead(WeightScope root, int width, int outputs)
        : base(root.Path)
    {
        WeightScope head = root.As(ParameterKind.Head).AtDepth(1);
        _hidden = Add(new Linear(head.At("hidden"), width, width, Initializer.KaimingUniform(width)));
        _out = Add(new Linear(head.At("out"), width, outputs, Initializer.KaimingUniform(width)));
    }

    /// <inheritdoc/>
    public override int Outputs => _out.Out;

    /// <inheritdoc/>
    public override Tensor Forward(Tensor hidden, TokenBatch batch)
    {
        Tensor means = Ops.SegmentMean(hidden, [.. batch.FirstTokens(), hidden.Rows]); // [N, C] → [rows, C]
        return _out.Forward(Ops.Activate(_hidden.Forward(means), Activation.Tanh));    // [rows, outputs]
    }
}

/// <summary>How deep-averaging checkpoints are read.</summary>
public sealed class DeepAveragingFamily : ModelFamily
{
    /// <inheritdoc/>
    public override string ModelType => "deep-averaging";

    /// <inheritdoc/>
    public override string BasePrefix => "model";

    /// <inheritdoc/>
    public override IReadOnlyList<string> DefaultTargets => [];

    /// <inheritdoc/>
    public override string Architecture(HeadKind head) => "DeepAveragingForSequenceClassification";

    /// <inheritdoc/>
    public override Backbone CreateBackbone(ModelConfig config, WeightScope root) => new DeepAveragingBackbone(config, root.At(BasePrefix));

    /// <inheritdoc/>
    public override VocabularyHead CreateLanguageHead(ModelConfig config, WeightScope root, Backbone backbone) =>
        throw new NotSupportedException("A deep-averaging model classifies rows; it has no output for tokens.");

    /// <inheritdoc/>
    public override ClassificationHead CreateClassificationHead(ModelConfig config, WeightScope root, Backbone backbone, int outputs) =>
        new DeepAveragingHead(root, backbone.Width, outputs);
}
