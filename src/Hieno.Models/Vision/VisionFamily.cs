using Hieno.Formats;

namespace Hieno.Models.Vision;

/// <summary>How the checkpoints of one vision family are read. A new family is one subclass and one line in <see cref="BuiltInVisionModels"/>.</summary>
public abstract class VisionFamily
{
    /// <summary>The name in <c>config.json</c>, e.g. <c>vit</c>.</summary>
    public abstract string ModelType { get; }

    /// <summary>What names of the bare model begin with, e.g. <c>vit</c>; files that leave it out are read as well. Empty for none.</summary>
    public abstract string BasePrefix { get; }

    /// <summary>Endings of the layers that LoRA adapts unless told otherwise.</summary>
    public abstract IReadOnlyList<string> DefaultTargets { get; }

    /// <summary>The class that the usual Python library gives a model with a classifier, for the configuration's <c>architectures</c>.</summary>
    public abstract string Architecture { get; }

    /// <summary>Builds the body.</summary>
    public abstract VisionBackbone CreateBackbone(ModelConfig config, WeightScope root);

    /// <summary>Builds the output layer of <paramref name="outputs"/> numbers.</summary>
    public abstract VisionHead CreateHead(ModelConfig config, WeightScope root, VisionBackbone backbone, int outputs);

    /// <summary>How pictures are made ready: size, channels, scale and shift. A file <c>preprocessor_config.json</c> beside the weights comes before it.</summary>
    public abstract ImageInput InputOf(ModelConfig config);

    /// <summary>True for a tensor that this family's files may hold although the model at hand has no use for it.</summary>
    public virtual bool IsForeign(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return name.EndsWith("num_batches_tracked", StringComparison.Ordinal); // how many batches moved running statistics, which nothing reads
    }
}
