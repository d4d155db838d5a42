using Hieno.Formats;
using Hieno.Tensors;

namespace Hieno.Models;

/// <summary>A model as it lies in a folder: a body of blocks, an output layer, and the configuration they were built from.</summary>
/// <param name="config">The content of <c>config.json</c>.</param>
public abstract class PretrainedModel(ModelConfig config) : Module(string.Empty)
{
    /// <summary>The content of <c>config.json</c>.</summary>
    public ModelConfig Config { get; } = config;

    /// <summary>The repeated layers of the body, lowest first: what depth is counted in.</summary>
    public abstract IReadOnlyList<Module> Blocks { get; }

    /// <summary>Where its weights lie.</summary>
    public abstract Backend Backend { get; }

    /// <summary>Weights that the checkpoint did not hold and that started at random: a new task's head.</summary>
    public IReadOnlyList<string> NewlyInitialized { get; private protected set; } = [];

    /// <summary>Tensors of the checkpoint that this model has no use for, such as another task's head.</summary>
    public IReadOnlyList<string> Unused { get; private protected set; } = [];
}
