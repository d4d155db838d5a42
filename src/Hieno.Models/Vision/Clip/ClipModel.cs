using Hieno.Formats;
using Hieno.Formats.Safetensors;
using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Models.Vision.Clip;

/// <summary>CLIP: a tower for pictures and one for texts, which give vectors of length 1 that are near each other where picture and text belong together.</summary>
/// <remarks>Radford et al. 2021, <see href="https://arxiv.org/abs/2103.00020"/>, section 2.3.</remarks>
public sealed class ClipModel : PretrainedModel
{
    private readonly Linear _textProjection;
    private readonly UnitLength _unit;

    private ClipModel(ModelConfig config, WeightSource source, Backend? backend)
        : base(config)
    {
        Backend = backend ?? Backend.Default;
        var settings = new ClipConfig(config);
        ClipTextConfig text = TextOf(config, settings);
        var root = new WeightScope(source);
        Vision = Add(new ClipVisionBackbone(settings, root));
        Text = Add(new ClipTextBackbone(text, root.At("text_model")));
        WeightScope end = root.AtDepth(text.Layers + 1);
        _textProjection = Add(new Linear(end.At("text_projection"), text.Width, settings.ProjectionWidth, Initializer.Normal(MathF.Pow(text.Width, -0.5f)), bias: false));
        Head = Add(new ClipLogits(settings.LogitScale, end));
        _unit = new UnitLength(settings.ProjectionWidth, Backend);
    }

    /// <summary>The tower for pictures.</summary>
    public ClipVisionBackbone Vision { get; }

    /// <summary>The tower for texts.</summary>
    public ClipTextBackbone Text { get; }

    /// <summary>Both towers with their projections: all of the model.</summary>
    public override Module Backbone => this;

    /// <summary>What compares pictures with texts.</summary>
    public override ClipLogits Head { get; }

    /// <summary>The blocks of the vision tower, then those of the text tower; depth is counted in each tower for itself.</summary>
    public override IReadOnlyList<Module> Blocks => [.. Vision.Blocks, .. Text.Blocks];

    /// <summary>Width D of the vectors in which pictures and texts meet.</summary>
    public override int Width => Vision.Width;

    /// <inheritdoc/>
    public override string Architecture => "CLIPModel";

    /// <inheritdoc/>
    public override string BasePrefix => string.Empty;

    /// <inheritdoc/>
    public override IReadOnlyList<string> DefaultTargets => ["q_proj", "v_proj"];

    /// <inheritdoc/>
    public override bool GradientCheckpointing
    {
        get => Vision.GradientCheckpointing;
        set => (Vision.GradientCheckpointing, Text.GradientCheckpointing) = (value, value);
    }

    /// <inheritdoc/>
    public override int CheckpointSpan
    {
        get => Vision.CheckpointSpan;
        set => (Vision.CheckpointSpan, Text.CheckpointSpan) = (value, value);
    }

    /// <inheritdoc/>
    public override Backend Backend { get; }

    /// <summary>Opens a model folder. Weights are mapped from the files, not copied.</summary>
    /// <param name="folder">A folder with <c>config.json</c> and <c>model.safetensors</c> (or shards with their index).</param>
    /// <param name="backend">Where the weights lie; the default backend when null.</param>
    /// <param name="config">The configuration; that in the folder when null.</param>
    /// <exception cref="CheckpointException">A file is missing or malformed, or tensors do not fit; all faults at once.</exception>
    public static ClipModel Load(string folder, Backend? backend = null, ModelConfig? config = null)
    {
        config ??= ModelConfig.Read(folder);
        var files = CheckpointFiles.Open(folder);
        try
        {
            var source = new CheckpointWeights(files, string.Empty, seed: 0, backend);
            var model = new ClipModel(config, source, backend);
            source.ThrowIfFaulty(name => name.EndsWith("position_ids", StringComparison.Ordinal));
            model.Unused = source.Unused;
            return model;
        }
        catch
        {
            files.Dispose(); // no weight of it is in use
            throw;
        }
    }

    /// <summary>A model with random weights.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="seed">The seed of all weights.</param>
    /// <param name="backend">Where the weights lie; the default backend when null.</param>
    /// <exception cref="CheckpointException">A key is missing from the configuration.</exception>
    public static ClipModel Create(ModelConfig config, ulong seed, Backend? backend = null) => new(config, new RandomWeights(seed, backend), backend);

    /// <summary>The longest text that a model of this configuration reads, in tokens.</summary>
    /// <exception cref="CheckpointException">It has no text tower.</exception>
    public static int TextPositions(ModelConfig config) => TextOf(config, new ClipConfig(config)).Positions;

    /// <summary>The vectors of pictures, of length 1, [N, D].</summary>
    public Tensor PictureVectors(ImageBatch pictures) => Vision.Forward(pictures);

    /// <summary>The vectors of texts, of length 1, [M, D].</summary>
    /// <exception cref="ArgumentException">A text is too long, or has no token that ends it.</exception>
    public Tensor TextVectors(TokenBatch texts) => _unit.Forward(_textProjection.Forward(Text.Forward(texts, Text.EndsOf(texts))));

    /// <inheritdoc/>
    public override PretrainedModel LoadAlike(string folder, ulong seed) => Load(folder, Backend);

    private static ClipTextConfig TextOf(ModelConfig config, ClipConfig settings) =>
        settings.Text ?? throw config.Error("text_config", "is missing: the model has no text tower", "Give the folder of a whole CLIP model");
}

/// <summary>The output of CLIP: cosines of the angles between pictures and texts, times a factor that is learned by its logarithm.</summary>
public sealed class ClipLogits : Module
{
    /// <summary>Takes <c>logit_scale</c> from <paramref name="w"/>.</summary>
    /// <param name="start">Where it starts in a model of random weights.</param>
    /// <param name="w">The root of the checkpoint.</param>
    public ClipLogits(float start, WeightScope w)
        : base((w ?? throw new ArgumentNullException(nameof(w))).Path) =>
        LogitScale = Add(w.Weight("logit_scale", [], Initializer.Constant(start)));

    /// <summary>The logarithm of the factor, a scalar.</summary>
    public Parameter LogitScale { get; }

    /// <summary>How well pictures and texts go together.</summary>
    /// <param name="pictures">Vectors of pictures, of length 1, [N, D].</param>
    /// <param name="texts">Vectors of texts, of length 1, [M, D].</param>
    /// <returns>[N, M].</returns>
    public Tensor Forward(Tensor pictures, Tensor texts)
    {
        ArgumentNullException.ThrowIfNull(texts);
        int width = texts.Columns;
        Tensor factor = Ops.Rows(Ops.Reshape(Ops.Exp(LogitScale), [1, 1]), new int[width]); // the same for every column
        return Ops.Linear(pictures, Ops.ScaleColumns(texts, Ops.Reshape(factor, [width])));
    }
}
