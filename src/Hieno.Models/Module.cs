namespace Hieno.Models;

/// <summary>A part of a network: named weights and smaller parts.</summary>
/// <param name="path">The checkpoint path of this part, e.g. <c>model.layers.7</c>; empty for the root.</param>
public abstract class Module(string path)
{
    private readonly List<Module> _children = [];
    private readonly List<Parameter> _own = [];
    private readonly List<ModuleBuffer> _buffers = [];

    /// <summary>The checkpoint path of this part, e.g. <c>model.layers.7</c>; empty for the root.</summary>
    public string Path { get; } = path;

    /// <summary>The parts directly inside this one, in order of creation.</summary>
    public IReadOnlyList<Module> Children => _children;

    /// <summary>The weights directly in this part.</summary>
    public IReadOnlyList<Parameter> OwnParameters => _own;

    /// <summary>The numbers directly in this part that a checkpoint holds beside its weights, such as running statistics.</summary>
    public IReadOnlyList<ModuleBuffer> OwnBuffers => _buffers;

    /// <summary>What adapters have attached directly here, in order; empty for modules that take nothing.</summary>
    public virtual IReadOnlyList<AdapterPart> Parts => [];

    /// <summary>This part and all inside it, outermost first.</summary>
    public IEnumerable<Module> Modules()
    {
        yield return this;
        foreach (Module child in _children)
        {
            foreach (Module inner in child.Modules())
            {
                yield return inner;
            }
        }
    }

    /// <summary>What adapters have attached here and inside.</summary>
    public IEnumerable<AdapterPart> AttachedParts() => Modules().SelectMany(module => module.Parts);

    /// <summary>All weights of this part and those inside it, each once, without those of attached adapters.</summary>
    public IEnumerable<Parameter> Parameters() => Modules().SelectMany(module => module._own).Distinct();

    /// <summary>All numbers of this part and those inside it that belong to a checkpoint but are no weights.</summary>
    public IEnumerable<ModuleBuffer> Buffers() => Modules().SelectMany(module => module._buffers);

    /// <summary>True when this part, or an adapter attached inside it, has a weight that is trained.</summary>
    public bool HasTrainable() =>
        Modules().Any(module => module._own.Exists(p => p.Trainable) || module.Parts.Any(part => part.Parameters.Any(p => p.Trainable)));

    /// <summary>Takes in a smaller part.</summary>
    /// <returns><paramref name="child"/>.</returns>
    protected T Add<T>(T child)
        where T : Module
    {
        _children.Add(child);
        return child;
    }

    /// <summary>Takes in a weight.</summary>
    /// <returns><paramref name="parameter"/>.</returns>
    protected Parameter Add(Parameter parameter)
    {
        _own.Add(parameter);
        return parameter;
    }

    /// <summary>Takes in numbers that are no weight.</summary>
    /// <returns><paramref name="buffer"/>.</returns>
    protected ModuleBuffer Add(ModuleBuffer buffer)
    {
        _buffers.Add(buffer);
        return buffer;
    }
}
