using Hieno.Tensors;

namespace Hieno.Models;

/// <summary>
/// A place in a checkpoint: modules take their weights from it under the exact names of the file, written as literals in their constructors,
/// so that a name in an error message can be searched for in the code.
/// </summary>
public sealed class WeightScope
{
    private readonly WeightSource _source;

    /// <summary>The root of a checkpoint.</summary>
    public WeightScope(WeightSource source)
        : this(source, string.Empty, ParameterKind.Other, 0)
    {
    }

    private WeightScope(WeightSource source, string path, ParameterKind kind, int depth)
    {
        ArgumentNullException.ThrowIfNull(source);
        (_source, Path, Kind, Depth) = (source, path, kind, depth);
    }

    /// <summary>The path so far, e.g. <c>model.layers.7.self_attn</c>.</summary>
    public string Path { get; }

    /// <summary>What weights below this place are part of.</summary>
    public ParameterKind Kind { get; }

    /// <summary>How deep weights below this place lie; see <see cref="Parameter.Depth"/>.</summary>
    public int Depth { get; }

    /// <summary>A place further in, e.g. <c>w.At("self_attn.q_proj")</c>.</summary>
    public WeightScope At(string name) => new(_source, Path.Length == 0 ? name : $"{Path}.{name}", Kind, Depth);

    /// <summary>The same place; weights below it are part of <paramref name="kind"/>.</summary>
    public WeightScope As(ParameterKind kind) => new(_source, Path, kind, Depth);

    /// <summary>The same place; weights below it lie at <paramref name="depth"/>.</summary>
    public WeightScope AtDepth(int depth) => new(_source, Path, Kind, depth);

    /// <summary>True when the checkpoint holds <paramref name="name"/> here; also true for a model that starts from random weights.</summary>
    public bool Has(string name) => _source.Has(Full(name));

    /// <summary>The weight <paramref name="name"/> here.</summary>
    /// <param name="name">Its last part, e.g. <c>weight</c>.</param>
    /// <param name="shape">The shape that the configuration implies; another one in the file is a fault, reported with all others.</param>
    /// <param name="initializer">First values where the model starts at random, or where the file does not hold a new task's head.</param>
    public Parameter Weight(string name, Shape shape, Initializer initializer)
    {
        string full = Full(name);
        return new Parameter(full, _source.Take(full, shape, initializer, mayBeNew: Kind == ParameterKind.Head), Kind, Depth);
    }

    /// <summary>Numbers <paramref name="name"/> here that are no weight, such as running statistics; in memory of their own, for training moves them.</summary>
    /// <param name="name">Their last part, e.g. <c>running_mean</c>.</param>
    /// <param name="shape">The shape that the configuration implies.</param>
    /// <param name="initializer">First values of a model that starts at random.</param>
    public ModuleBuffer Buffer(string name, Shape shape, Initializer initializer)
    {
        string full = Full(name);
        return new ModuleBuffer(full, _source.Take(full, shape, initializer, mayBeNew: Kind == ParameterKind.Head));
    }

    /// <summary>The matrix <c>weight</c> of a linear layer here: as <see cref="Weight"/>, but below the head the source may store it in fewer bits.</summary>
    /// <param name="shape">The shape that the configuration implies.</param>
    /// <param name="initializer">First values, where it is created.</param>
    public Parameter Projection(Shape shape, Initializer initializer) => Kind == ParameterKind.Head
        ? Weight("weight", shape, initializer)
        : new Parameter(Full("weight"), _source.TakeProjection(Path, shape, initializer), Kind, Depth);

    private string Full(string name) => Path.Length == 0 ? name : $"{Path}.{name}";
}
