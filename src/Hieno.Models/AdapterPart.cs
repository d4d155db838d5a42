namespace Hieno.Models;

/// <summary>
/// What an adapter adds at one place of a model. It leaves the model's own weights alone, so that it can be switched off, held beside others,
/// saved apart, and merged where the mathematics allows.
/// </summary>
/// <param name="adapter">The name of the adapter it belongs to.</param>
public abstract class AdapterPart(string adapter)
{
    /// <summary>The name of the adapter it belongs to; PEFT calls the first one <c>default</c>.</summary>
    public string Adapter { get; } = adapter;

    /// <summary>False switches the part off: its place is then exactly the base model's.</summary>
    public bool Enabled { get; set; } = true;

    /// <summary>The module that carries it.</summary>
    public abstract Module Place { get; }

    /// <summary>The weights that learn. Parts of one adapter may share a weight.</summary>
    public abstract IReadOnlyList<Parameter> Parameters { get; }

    /// <summary>Weights that never learn but are saved with the adapter, such as projections that several layers share. Default: none.</summary>
    public virtual IReadOnlyList<Parameter> Constants => [];

    /// <summary>The model's weights that <see cref="Merge"/> changes; empty where the part cannot be written as a change of weights.</summary>
    public virtual IReadOnlyList<Parameter> MergesInto => [];

    /// <summary>Puts it in its place, behind the parts that are there already.</summary>
    public abstract void Attach();

    /// <summary>Takes it out of its place.</summary>
    public abstract void Detach();

    /// <summary>Why this part cannot be merged into <paramref name="model"/>, or null where it can.</summary>
    public virtual string? ObstacleToMerging(PretrainedModel model) => MergesInto.Count > 0 ? null : "is no change of the model's weights";

    /// <summary>Adds the change into the model's weights, so that it costs nothing afterwards. The caller keeps the weights as they were.</summary>
    /// <exception cref="NotSupportedException">The part cannot be written as a change of weights.</exception>
    public virtual void Merge() => throw new NotSupportedException($"{GetType().Name} at {Place.Path} is no change of the model's weights.");
}
