using Hieno.Formats;
using Hieno.Tensors;

namespace Hieno.Models;

/// <summary>A model as it lies in a folder: a body of blocks, an output layer, and the configuration they were built from.</summary>
/// <param name="config">The content of <c>config.json</c>.</param>
public abstract class PretrainedModel(ModelConfig config) : Module(string.Empty)
{
    /// <summary>The content of <c>config.json</c>.</summary>
    public ModelConfig Config { get; } = config;

    /// <summary>The body: all below the output layer.</summary>
    public abstract Module Backbone { get; }

    /// <summary>The output layer.</summary>
    public abstract Module Head { get; }

    /// <summary>The repeated layers of the body, lowest first: what depth is counted in.</summary>
    public abstract IReadOnlyList<Module> Blocks { get; }

    /// <summary>Width of the vectors that the head reads.</summary>
    public abstract int Width { get; }

    /// <summary>The class that the usual Python library gives a model of this kind, for the configuration's <c>architectures</c>.</summary>
    public abstract string Architecture { get; }

    /// <summary>What names of the bare body begin with, e.g. <c>bert</c>; empty for none.</summary>
    public abstract string BasePrefix { get; }

    /// <summary>Endings of the layers that LoRA adapts unless told otherwise.</summary>
    public abstract IReadOnlyList<string> DefaultTargets { get; }

    /// <summary>
    /// True to keep only the input of each <see cref="CheckpointSpan"/> of blocks and to compute the blocks again in the backward pass. Of spans
    /// longer than one block the last is kept: it would be computed again at once.
    /// </summary>
    public abstract bool GradientCheckpointing { get; set; }

    /// <summary>How many blocks are computed again together, from 1 (default); 0 for the root of their number, rounded up.</summary>
    public abstract int CheckpointSpan { get; set; }

    /// <summary>Where its weights lie.</summary>
    public abstract Backend Backend { get; }

    /// <summary>Opens another model of the same kind, with an output layer for the same task.</summary>
    /// <param name="folder">Its folder.</param>
    /// <param name="seed">The seed of an output layer that the folder does not hold.</param>
    /// <exception cref="CheckpointException">A file is missing or malformed, or it is a model of another kind.</exception>
    public abstract PretrainedModel LoadAlike(string folder, ulong seed);

    /// <summary>Weights that the checkpoint did not hold and that started at random: a new task's head.</summary>
    public IReadOnlyList<string> NewlyInitialized { get; private protected set; } = [];

    /// <summary>Counts of batches beside running statistics (PyTorch's <c>num_batches_tracked</c>) as the checkpoint held them; saved again unchanged.</summary>
    public IReadOnlyDictionary<string, long> Counters { get; private protected set; } = new Dictionary<string, long>();

    /// <summary>Tensors of the checkpoint that this model has no use for, such as another task's head.</summary>
    public IReadOnlyList<string> Unused { get; private protected set; } = [];
}
