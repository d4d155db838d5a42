using Hieno.Formats.Peft;
using Hieno.Models;
using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Tuning;

/// <summary>
/// A LoRA adapter on a model: the pairs beside its layers, and copies of modules and offsets that are trained whole. Switched off, the model
/// is the base model bit for bit.
/// </summary>
/// <param name="model">The model it is attached to.</param>
/// <param name="options">How it was made.</param>
/// <param name="name">Its name; <c>default</c> unless several adapters are held.</param>
/// <param name="enabled">False attaches it switched off.</param>
public sealed class LoRAAdapter(TextModel model, LoRAOptions options, string name = LoRAAdapter.DefaultName, bool enabled = true)
{
    /// <summary>PEFT's name for the first adapter.</summary>
    public const string DefaultName = "default";

    private readonly List<(Linear Layer, LoRAUpdate Update)> _pairs = [];
    private readonly List<(Parameter Parameter, Tensor Value)> _copies = [];
    private readonly List<string> _modules = [];
    private MergedAdapter? _merged;

    /// <summary>Its name.</summary>
    public string Name { get; } = name;

    /// <summary>How it was made.</summary>
    public LoRAOptions Options { get; } = options;

    /// <summary>The configuration it was read from, which is written back when it is saved again; null for one that was made here.</summary>
    public PeftAdapterConfig? Source { get; init; }

    /// <summary>True while it changes what the model computes.</summary>
    public bool IsEnabled { get; private set; } = enabled;

    /// <summary>The adapted layers with their pairs.</summary>
    public IReadOnlyList<(Linear Layer, LoRAUpdate Update)> Pairs => _pairs;

    /// <summary>Weights of the model that are trained whole, with the adapter's copies of them.</summary>
    public IReadOnlyList<(Parameter Parameter, Tensor Value)> Copies => _copies;

    /// <summary>Paths of the modules that are saved whole.</summary>
    public IReadOnlyList<string> Modules => _modules;

    /// <summary>True when the module at <paramref name="path"/> is named by <paramref name="target"/>: equal, or ending in it after a full stop.</summary>
    public static bool IsTarget(string path, string target)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(target);
        return path == target || (path.EndsWith(target, StringComparison.Ordinal) && path[^(target.Length + 1)] == '.');
    }

    /// <summary>Puts a pair beside <paramref name="layer"/>.</summary>
    /// <exception cref="ArgumentException">The layer has a pair of an adapter of this name already.</exception>
    public void Attach(Linear layer, Tensor a, Tensor b, float scale, float dropout)
    {
        ArgumentNullException.ThrowIfNull(layer);
        if (layer.Updates.Any(other => other.Adapter == Name))
        {
            throw new ArgumentException($"{layer.Path} already carries an adapter called '{Name}'. Give this one another name.", nameof(layer));
        }

        var update = new LoRAUpdate(
            Name,
            layer.CreateUpdateWeight("lora_A.weight", a),
            layer.CreateUpdateWeight("lora_B.weight", b),
            scale,
            dropout)
        {
            Enabled = IsEnabled,
        };
        layer.Attach(update);
        _pairs.Add((layer, update));
    }

    /// <summary>Gives offsets copies of their own.</summary>
    public void TrainOffsets(LoRABias which, IReadOnlyList<Linear> layers)
    {
        ArgumentNullException.ThrowIfNull(layers);
        IEnumerable<Parameter> offsets = which switch
        {
            LoRABias.All => model.Parameters().Where(parameter => parameter.IsBias),
            LoRABias.LoraOnly => layers.Select(layer => layer.Bias).OfType<Parameter>(),
            _ => [],
        };
        foreach (Parameter offset in offsets)
        {
            Hold(offset, offset.CopyBase());
        }
    }

    /// <summary>Gives all weights of the modules at <paramref name="paths"/>, and of all inside them, copies of their own.</summary>
    public void TrainModules(IReadOnlyList<string> paths)
    {
        ArgumentNullException.ThrowIfNull(paths);
        _modules.AddRange(paths);
        foreach (Parameter parameter in model.Parameters().Where(parameter => paths.Any(path => IsWithin(parameter, path))))
        {
            Hold(parameter, parameter.CopyBase());
        }
    }

    /// <summary>Takes a weight that was trained whole from a saved adapter.</summary>
    /// <param name="parameter">The weight of the model.</param>
    /// <param name="value">The adapter's copy of it: long-lived, 32 bits.</param>
    public void TakeCopy(Parameter parameter, Tensor value)
    {
        ArgumentNullException.ThrowIfNull(parameter);
        ArgumentNullException.ThrowIfNull(value);
        Hold(parameter, value);
    }

    /// <summary>Marks all weights of the adapter as trained or frozen.</summary>
    public void SetTrainable(bool trainable)
    {
        foreach (Tensor value in _pairs.SelectMany(pair => pair.Update.Parameters).Select(parameter => parameter.Value).Concat(_copies.Select(copy => copy.Value)))
        {
            value.NeedsGrad = trainable;
            if (!trainable)
            {
                value.ClearGrad();
            }
        }
    }

    /// <summary>All weights of the adapter: pairs, then those trained whole (whose values are the adapter's while it is switched on).</summary>
    public IEnumerable<Parameter> Parameters() => _pairs.SelectMany(pair => pair.Update.Parameters).Concat(_copies.Select(copy => copy.Parameter));

    /// <summary>Switches the adapter on or off.</summary>
    /// <exception cref="InvalidOperationException">It is merged, or another adapter's copy of a whole module is switched on.</exception>
    public void Enable(bool enabled)
    {
        if (_merged is not null)
        {
            throw new InvalidOperationException($"The adapter '{Name}' is merged into the weights. Unmerge it first.");
        }

        if (enabled)
        {
            ThrowIfAnotherStandsIn(_copies);
        }

        IsEnabled = enabled;
        foreach ((_, LoRAUpdate update) in _pairs)
        {
            update.Enabled = enabled;
        }

        foreach ((Parameter parameter, Tensor value) in _copies)
        {
            if (enabled || ReferenceEquals(parameter.Value, value))
            {
                parameter.StandIn(enabled ? value : null);
            }
        }
    }

    /// <summary>Writes the change into the model's own weights and takes the adapter off. Serving then costs nothing extra.</summary>
    /// <returns>What undoes it exactly.</returns>
    /// <exception cref="InvalidOperationException">It is merged already, or another adapter's copy of a whole module is switched on.</exception>
    public MergedAdapter Merge()
    {
        if (_merged is not null)
        {
            throw new InvalidOperationException($"The adapter '{Name}' is merged already.");
        }

        ThrowIfAnotherStandsIn(_copies);
        bool wasEnabled = IsEnabled;
        Enable(false);
        var before = new List<(Parameter Parameter, Tensor Value)>();
        foreach ((Parameter parameter, Tensor value) in _copies)
        {
            before.Add((parameter, parameter.Base));
            parameter.Replace(CopyOf(value));
        }

        // The weights as they were are kept, not computed back: subtracting what was added would leave rounding errors.
        foreach ((Linear layer, LoRAUpdate update) in _pairs)
        {
            before.Add((layer.Weight, layer.Weight.Base));
            layer.Weight.Replace(layer.Weight.CopyBase());
            update.Merge(layer);
            layer.Detach(update);
        }

        return _merged = new MergedAdapter(this, before, wasEnabled);
    }

    /// <summary>Takes the adapter off the model, which is then the base model.</summary>
    /// <exception cref="InvalidOperationException">It is merged.</exception>
    public void Detach()
    {
        Enable(false);
        foreach ((Linear layer, LoRAUpdate update) in _pairs)
        {
            layer.Detach(update);
        }
    }

    internal static bool IsWithin(Parameter parameter, string path) => parameter.Name.StartsWith(path + ".", StringComparison.Ordinal);

    internal void Unmerge(IReadOnlyList<(Parameter Parameter, Tensor Value)> before, bool enable)
    {
        foreach ((Parameter parameter, Tensor value) in before)
        {
            parameter.Replace(value);
        }

        foreach ((Linear layer, LoRAUpdate update) in _pairs)
        {
            layer.Attach(update);
        }

        _merged = null;
        Enable(enable);
    }

    private void Hold(Parameter parameter, Tensor value)
    {
        if (_copies.Exists(copy => copy.Parameter == parameter))
        {
            return;
        }

        if (IsEnabled)
        {
            ThrowIfAnotherStandsIn([(parameter, value)]);
            parameter.Base.NeedsGrad = false;
            parameter.StandIn(value);
        }

        _copies.Add((parameter, value));
    }

    private static Tensor CopyOf(Tensor source)
    {
        Tensor copy = Tensor.CreateLongLived(source.Shape, DType.F32, source.Backend);
        source.Backend.Copy(source, copy);
        return copy;
    }

    // Changes of two adapters add up, but only one copy can stand in for a weight.
    private void ThrowIfAnotherStandsIn(IEnumerable<(Parameter Parameter, Tensor Value)> copies)
    {
        foreach ((Parameter parameter, Tensor value) in copies)
        {
            if (!ReferenceEquals(parameter.Value, parameter.Base) && !ReferenceEquals(parameter.Value, value))
            {
                throw new InvalidOperationException($"The adapter '{Name}' holds a copy of {parameter.Name}, and so does another that is switched on. Switch that one off first.");
            }
        }
    }
}

/// <summary>An adapter that was merged into its model.</summary>
public sealed class MergedAdapter
{
    private readonly LoRAAdapter _adapter;
    private readonly bool _wasEnabled;
    private IReadOnlyList<(Parameter Parameter, Tensor Value)>? _before;

    internal MergedAdapter(LoRAAdapter adapter, IReadOnlyList<(Parameter Parameter, Tensor Value)> before, bool wasEnabled) =>
        (_adapter, _before, _wasEnabled) = (adapter, before, wasEnabled);

    /// <summary>Puts the weights back exactly as they were and the adapter beside them again.</summary>
    /// <exception cref="InvalidOperationException">This was done already.</exception>
    public void Unmerge()
    {
        _adapter.Unmerge(_before ?? throw new InvalidOperationException($"The adapter '{_adapter.Name}' was unmerged already."), _wasEnabled);
        _before = null;
    }
}
