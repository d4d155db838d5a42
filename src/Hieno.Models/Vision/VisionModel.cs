using Hieno.Formats;
using Hieno.Formats.Safetensors;
using Hieno.Tensors;

namespace Hieno.Models.Vision;

/// <summary>A vision model: a body and an output layer that gives each picture a few numbers.</summary>
public sealed class VisionModel : PretrainedModel
{
    private VisionModel(ModelConfig config, VisionFamily family, WeightSource source, int outputs, Backend? backend)
        : base(config)
    {
        (Family, Backend) = (family, backend ?? Backend.Default);
        var root = new WeightScope(source);
        Backbone = Add(family.CreateBackbone(config, root));
        Head = Add(family.CreateHead(config, root, Backbone, outputs));
    }

    /// <summary>The family.</summary>
    public VisionFamily Family { get; }

    /// <summary>The body.</summary>
    public override VisionBackbone Backbone { get; }

    /// <summary>The output layer.</summary>
    public override VisionHead Head { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<Module> Blocks => Backbone.Blocks;

    /// <inheritdoc/>
    public override int Width => Backbone.Width;

    /// <inheritdoc/>
    public override Backend Backend { get; }

    /// <inheritdoc/>
    public override string Architecture => Family.Architecture;

    /// <inheritdoc/>
    public override string BasePrefix => Family.BasePrefix;

    /// <inheritdoc/>
    public override IReadOnlyList<string> DefaultTargets => Family.DefaultTargets;

    /// <inheritdoc/>
    public override bool GradientCheckpointing
    {
        get => Backbone.GradientCheckpointing;
        set => Backbone.GradientCheckpointing = value;
    }

    /// <inheritdoc/>
    public override int CheckpointSpan
    {
        get => Backbone.CheckpointSpan;
        set => Backbone.CheckpointSpan = value;
    }

    /// <summary>Opens a model folder. Weights are mapped from the files, not copied.</summary>
    /// <param name="folder">A folder with <c>config.json</c> and <c>model.safetensors</c> (or shards with their index).</param>
    /// <param name="outputs">Numbers for each picture; an output layer of another size than the checkpoint's starts at random.</param>
    /// <param name="seed">The seed of a new output layer.</param>
    /// <param name="catalog">The families known; the built-in ones when null.</param>
    /// <param name="backend">Where the weights lie; the default backend when null.</param>
    /// <param name="config">The configuration; that in the folder when null.</param>
    /// <param name="replacesHead">False refuses an output layer of another size than the checkpoint's. Default true.</param>
    /// <exception cref="CheckpointException">A file is missing or malformed, the family is unknown, or tensors do not fit; all faults at once.</exception>
    public static VisionModel Load(string folder, int outputs, ulong seed = 0, VisionCatalog? catalog = null, Backend? backend = null, ModelConfig? config = null, bool replacesHead = true)
    {
        config ??= ModelConfig.Read(folder);
        VisionFamily family = FamilyOf(config, catalog);
        var files = CheckpointFiles.Open(folder);
        try
        {
            var source = new CheckpointWeights(files, family.BasePrefix, seed, backend) { HeadMayDiffer = replacesHead };
            var model = new VisionModel(config, family, source, outputs, backend);
            source.ThrowIfFaulty(family.IsForeign);
            (model.NewlyInitialized, model.Unused, model.Counters) = (source.Created, source.Unused, source.Counters);
            return model;
        }
        catch
        {
            files.Dispose(); // no weight of it is in use
            throw;
        }
    }

    /// <inheritdoc/>
    public override VisionModel LoadAlike(string folder, ulong seed) => Load(folder, Head.Outputs, seed, new VisionCatalog().Add(Family), Backend);

    /// <summary>A model with random weights: for pretraining, and as the honest baseline of fine-tuning.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="outputs">Numbers for each picture.</param>
    /// <param name="seed">The seed of all weights.</param>
    /// <param name="catalog">The families known; the built-in ones when null.</param>
    /// <param name="backend">Where the weights lie; the default backend when null.</param>
    /// <exception cref="CheckpointException">A key is missing from the configuration, or the family is unknown.</exception>
    public static VisionModel Create(ModelConfig config, int outputs, ulong seed, VisionCatalog? catalog = null, Backend? backend = null) =>
        new(config, FamilyOf(config, catalog), new RandomWeights(seed, backend), outputs, backend);

    /// <summary>A model of given weights.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="outputs">Numbers for each picture.</param>
    /// <param name="source">The weights.</param>
    /// <param name="catalog">The families known; the built-in ones when null.</param>
    /// <param name="backend">Where the weights lie; the default backend when null.</param>
    public static VisionModel Create(ModelConfig config, int outputs, WeightSource source, VisionCatalog? catalog = null, Backend? backend = null) =>
        new(config, FamilyOf(config, catalog), source, outputs, backend);

    /// <summary>Numbers for each picture of a batch, [N, outputs].</summary>
    public Tensor Classify(ImageBatch batch) => Head.Forward(Backbone.Forward(batch), batch);

    /// <summary>The family that a configuration names.</summary>
    /// <exception cref="CheckpointException">It is not known; the message lists those that are.</exception>
    public static VisionFamily FamilyOf(ModelConfig config, VisionCatalog? catalog = null)
    {
        ArgumentNullException.ThrowIfNull(config);
        catalog ??= BuiltInVisionModels.Catalog();
        return catalog.Find(config) ?? throw new CheckpointException(
            ErrorCodes.CheckpointFamilyUnknown,
            config.Path,
            $"the model family '{config.ModelType}' is not a vision family that is known. Known are {string.Join(", ", catalog.Names)}",
            "Use a model of one of these families");
    }
}
