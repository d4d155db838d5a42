using Hieno.Formats;
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
public sealed class LoRAAdapter(TextModel model, LoRAOptions options, string name = LoRAAdapter.DefaultName)
{
    /// <summary>PEFT's name for the first adapter.</summary>
    public const string DefaultName = "default";

    private readonly List<(Linear Layer, LoRAUpdate Update)> _pairs = [];
    private readonly List<Parameter> _shadowed = [];
    private readonly List<string> _modules = [];

    /// <summary>Its name.</summary>
    public string Name { get; } = name;

    /// <summary>How it was made.</summary>
    public LoRAOptions Options { get; } = options;

    /// <summary>The adapted layers with their pairs.</summary>
    public IReadOnlyList<(Linear Layer, LoRAUpdate Update)> Pairs => _pairs;

    /// <summary>Weights of the model that the adapter holds a trained copy of.</summary>
    public IReadOnlyList<Parameter> Shadowed => _shadowed;

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
    public void Attach(Linear layer, Tensor a, Tensor b, float scale, float dropout)
    {
        ArgumentNullException.ThrowIfNull(layer);
        var update = new LoRAUpdate(
            Name,
            layer.CreateUpdateWeight("lora_A.weight", a),
            layer.CreateUpdateWeight("lora_B.weight", b),
            scale,
            dropout);
        layer.Attach(update);
        _pairs.Add((layer, update));
    }

    /// <summary>Gives offsets trained copies.</summary>
    public void TrainOffsets(LoRABias which, IReadOnlyList<Linear> layers)
    {
        ArgumentNullException.ThrowIfNull(layers);
        IEnumerable<Parameter> offsets = which switch
        {
            LoRABias.All => model.Parameters().Where(parameter => parameter.IsBias),
            LoRABias.LoraOnly => layers.Select(layer => layer.Bias).OfType<Parameter>(),
            _ => [],
        };
        Shadow(offsets);
    }

    /// <summary>Gives all weights of the modules at <paramref name="paths"/> trained copies.</summary>
    public void TrainModules(IReadOnlyList<string> paths)
    {
        ArgumentNullException.ThrowIfNull(paths);
        _modules.AddRange(paths);
        Shadow(model.Modules().Where(module => paths.Contains(module.Path)).SelectMany(module => module.OwnParameters));
        // Weights that belong to no module of that path by itself, such as an offset directly in a head.
        Shadow(model.Parameters().Where(parameter => paths.Contains(parameter.Name[..parameter.Name.LastIndexOf('.')])));
    }

    /// <summary>Takes a weight that was trained whole from a saved adapter.</summary>
    public void TakeCopy(Parameter parameter, Tensor value)
    {
        ArgumentNullException.ThrowIfNull(parameter);
        Shadow([parameter]);
        parameter.Shadow!.Backend.Copy(value, parameter.Shadow);
        string module = parameter.Name[..parameter.Name.LastIndexOf('.')];
        if (!_modules.Contains(module) && !(parameter.IsBias && Options.Bias != LoRABias.None))
        {
            _modules.Add(module);
        }
    }

    /// <summary>Marks all weights of the adapter as trained or frozen.</summary>
    public void SetTrainable(bool trainable)
    {
        foreach (Parameter parameter in Parameters())
        {
            parameter.Trainable = trainable;
        }
    }

    /// <summary>All weights of the adapter: pairs, then copies.</summary>
    public IEnumerable<Parameter> Parameters() => _pairs.SelectMany(pair => pair.Update.Parameters).Concat(_shadowed);

    /// <summary>Switches the adapter on or off.</summary>
    public void Enable(bool enabled)
    {
        foreach ((_, LoRAUpdate update) in _pairs)
        {
            update.Enabled = enabled;
        }

        foreach (Parameter parameter in _shadowed)
        {
            parameter.UseShadow(enabled);
        }
    }

    /// <summary>Writes the change into the model's own weights and removes the adapter. Serving then costs nothing extra.</summary>
    /// <returns>What undoes it exactly: the weights as they were.</returns>
    public MergedAdapter Merge()
    {
        var before = new List<(Parameter Parameter, Tensor Value)>();
        foreach ((Linear layer, LoRAUpdate update) in _pairs)
        {
            layer.Weight.MakeWritable();
            before.Add((layer.Weight, Copy(layer.Weight.Base)));
            update.Merge(layer);
            layer.Detach(update);
        }

        foreach (Parameter parameter in _shadowed)
        {
            before.Add((parameter, parameter.Base));
        }

        return new MergedAdapter(this, before);
    }

    /// <summary>Finds the layer at a path.</summary>
    /// <exception cref="CheckpointException">The model has none.</exception>
    public static Linear LayerAt(TextModel model, string path, string source) =>
        TunedModel.Linears(model).FirstOrDefault(layer => layer.Path == path)
        ?? throw new CheckpointException(ErrorCodes.CheckpointTensorMissing, source, $"the adapter changes the layer '{path}', which this model does not have", "Take the base model that the adapter was trained on");

    internal void Reattach(IReadOnlyList<(Parameter Parameter, Tensor Value)> before)
    {
        foreach ((Parameter parameter, Tensor value) in before)
        {
            parameter.Replace(value);
        }

        foreach ((Linear layer, LoRAUpdate update) in _pairs)
        {
            layer.Attach(update);
        }
    }

    internal void FoldShadows()
    {
        foreach (Parameter parameter in _shadowed)
        {
            parameter.MergeShadow();
        }
    }

    private void Shadow(IEnumerable<Parameter> parameters)
    {
        foreach (Parameter parameter in parameters.Where(parameter => !_shadowed.Contains(parameter)).ToArray())
        {
            parameter.BeginShadow();
            _shadowed.Add(parameter);
        }
    }

    private static Tensor Copy(Tensor source)
    {
        Tensor copy = Tensor.CreateLongLived(source.Shape, DType.F32, source.Backend);
        source.Backend.Copy(source, copy);
        return copy;
    }
}

/// <summary>An adapter that was merged into its model.</summary>
public sealed class MergedAdapter
{
    private readonly LoRAAdapter _adapter;
    private readonly IReadOnlyList<(Parameter Parameter, Tensor Value)> _before;

    internal MergedAdapter(LoRAAdapter adapter, IReadOnlyList<(Parameter Parameter, Tensor Value)> before) => (_adapter, _before) = (adapter, before);

    /// <summary>Makes trained copies of whole modules the model's own, so that the model can be saved without the adapter.</summary>
    public void Finish() => _adapter.FoldShadows();

    /// <summary>Puts the weights back exactly as they were and attaches the adapter again. Not possible after <see cref="Finish"/>.</summary>
    public void Unmerge() => _adapter.Reattach(_before);
}
