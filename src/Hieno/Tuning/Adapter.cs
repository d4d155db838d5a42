using Hieno.Formats;
using Hieno.Formats.Peft;
using Hieno.Models;
using Hieno.Tensors;

namespace Hieno.Tuning;

/// <summary>A weight of the model of which an adapter has a copy of its own, which stands in for it while the adapter is switched on.</summary>
/// <param name="Parameter">The weight of the model.</param>
/// <param name="Value">The adapter's copy.</param>
/// <param name="Learns">False for a copy that is only carried along.</param>
public sealed record AdapterCopy(Parameter Parameter, Tensor Value, bool Learns);

/// <summary>
/// What a method has added to a model: parts attached at places of it, and copies of weights that are trained whole. Switched off, the model
/// is the base model bit for bit.
/// </summary>
public sealed class Adapter
{
    /// <summary>PEFT's name for the first adapter.</summary>
    public const string DefaultName = "default";

    private readonly List<AdapterPart> _parts = [];
    private readonly List<AdapterPart> _tokenRows = [];
    private readonly List<AdapterCopy> _copies = [];
    private readonly List<string> _modules = [];
    private MergedAdapter? _merged;

    /// <summary>An adapter that adds nothing yet.</summary>
    /// <param name="model">The model it is for.</param>
    /// <param name="options">How it is made.</param>
    /// <param name="name">Its name; <c>default</c> unless several adapters are held.</param>
    /// <param name="enabled">False attaches its parts switched off.</param>
    /// <exception cref="ArgumentException">The model carries parts of an adapter of this name already.</exception>
    public Adapter(PretrainedModel model, AdapterOptions options, string name = DefaultName, bool enabled = true)
    {
        ArgumentNullException.ThrowIfNull(model);
        if (model.AttachedParts().FirstOrDefault(part => part.Adapter == name) is { } other)
        {
            throw new ArgumentException($"{other.Place.Path} already carries an adapter called '{name}'. Give this one another name.", nameof(name));
        }

        (Model, Options, Name, IsEnabled) = (model, options, name, enabled);
    }

    /// <summary>The model it is attached to.</summary>
    public PretrainedModel Model { get; }

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>How it was made.</summary>
    public AdapterOptions Options { get; }

    /// <summary>The configuration it was read from, which is written back when it is saved again; null for one that was made here.</summary>
    public PeftAdapterConfig? Source { get; init; }

    /// <summary>True while it changes what the model computes.</summary>
    public bool IsEnabled { get; private set; }

    /// <summary>What it has attached, in order.</summary>
    public IReadOnlyList<AdapterPart> Parts => _parts;

    /// <summary>Rows of the tables that it has for new tokens, whatever its method.</summary>
    public IReadOnlyList<AdapterPart> TokenRows => _tokenRows;

    /// <summary>Weights of the model of which it has copies.</summary>
    public IReadOnlyList<AdapterCopy> Copies => _copies;

    /// <summary>What its method does in each step beside the optimizer, or null.</summary>
    public StepRule? StepRule { get; set; }

    /// <summary>Paths of the modules that are trained and saved whole.</summary>
    public IReadOnlyList<string> Modules => _modules;

    /// <summary>Begins an adapter: freezes the model, and takes copies of the modules that are trained whole (those named by the options, and a new head).</summary>
    /// <exception cref="ArgumentException">The model carries an adapter of this name already.</exception>
    /// <exception cref="TuningException">A name in <see cref="AdapterOptions.ModulesToSave"/> matches nothing.</exception>
    public static Adapter Begin(PretrainedModel model, AdapterOptions options, string who)
    {
        ArgumentNullException.ThrowIfNull(options);
        var adapter = new Adapter(model, options, options.AdapterName);
        IReadOnlyList<string> modules = WholeModules.Find(model, options.ModulesToSave, who);
        TunedModel.FreezeAllButNew(model);
        adapter.TrainModules(modules);
        return adapter;
    }

    /// <summary>Ends the making of an adapter: all its weights learn.</summary>
    public TunedModel Complete()
    {
        SetTrainable(true);
        return new TunedModel(Model, this);
    }

    /// <summary>Attaches a part at its place.</summary>
    /// <exception cref="ArgumentException">The part bears the name of another adapter.</exception>
    public void Attach(AdapterPart part)
    {
        Add(part);
        _parts.Add(part);
    }

    /// <summary>Attaches rows of the tables for new tokens: a <see cref="Models.Layers.TableRows"/> or <see cref="Models.Layers.OutputRows"/>.</summary>
    /// <exception cref="ArgumentException">The part bears the name of another adapter.</exception>
    public void AttachTokenRows(AdapterPart part)
    {
        Add(part);
        _tokenRows.Add(part);
    }

    /// <summary>Gives weights of the model copies that learn.</summary>
    public void Train(IEnumerable<Parameter> parameters)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        foreach (Parameter parameter in parameters)
        {
            Hold(parameter, parameter.CopyBase, learns: true);
        }
    }

    /// <summary>Gives all weights of the modules at <paramref name="paths"/>, and of all inside them, copies that learn.</summary>
    public void TrainModules(IReadOnlyList<string> paths)
    {
        ArgumentNullException.ThrowIfNull(paths);
        _modules.AddRange(paths);
        Train(Model.Parameters().Where(parameter => paths.Any(path => IsWithin(parameter, path))));
    }

    /// <summary>Takes a copy of a weight from a saved adapter.</summary>
    /// <param name="parameter">The weight of the model.</param>
    /// <param name="value">The adapter's copy of it: long-lived, 32 bits.</param>
    /// <param name="learns">False for a copy that is only carried along.</param>
    public void TakeCopy(Parameter parameter, Tensor value, bool learns = true)
    {
        ArgumentNullException.ThrowIfNull(parameter);
        ArgumentNullException.ThrowIfNull(value);
        Hold(parameter, () => value, learns);
    }

    /// <summary>Marks all weights of the adapter that can learn as trained or frozen.</summary>
    public void SetTrainable(bool trainable)
    {
        foreach (Tensor value in AllParts.SelectMany(part => part.Parameters).Select(parameter => parameter.Value).Concat(_copies.Where(copy => copy.Learns).Select(copy => copy.Value)))
        {
            value.NeedsGrad = trainable;
            if (!trainable)
            {
                value.ClearGrad();
            }
        }
    }

    /// <summary>All weights of the adapter that can learn: those of its parts, then those of the model trained whole (whose values are the adapter's while it is switched on).</summary>
    public IEnumerable<Parameter> Parameters() =>
        AllParts.SelectMany(part => part.Parameters).Concat(_copies.Where(copy => copy.Learns).Select(copy => copy.Parameter)).Distinct();

    /// <summary>The weights of its parts, each once: those that learn, then those that never do.</summary>
    public IEnumerable<Parameter> PartWeights() =>
        _parts.SelectMany(part => part.Parameters).Concat(_parts.SelectMany(part => part.Constants)).Distinct();

    /// <summary>Switches the adapter on or off.</summary>
    /// <exception cref="InvalidOperationException">It is merged, or another adapter's copy of a weight is switched on.</exception>
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
        foreach (AdapterPart part in AllParts)
        {
            part.Enabled = enabled;
        }

        foreach (AdapterCopy copy in _copies)
        {
            if (enabled || ReferenceEquals(copy.Parameter.Value, copy.Value))
            {
                copy.Parameter.StandIn(enabled ? copy.Value : null);
            }
        }
    }

    /// <summary>Writes the change into the model's own weights and takes the adapter off. Serving then costs nothing extra.</summary>
    /// <returns>What undoes it exactly.</returns>
    /// <exception cref="InvalidOperationException">It is merged already, or another adapter's copy of a weight is switched on.</exception>
    /// <exception cref="TuningException">A part cannot be written as a change of weights; the model is left as it was.</exception>
    public MergedAdapter Merge()
    {
        if (_merged is not null)
        {
            throw new InvalidOperationException($"The adapter '{Name}' is merged already.");
        }

        foreach (AdapterPart part in AllParts)
        {
            if (part.ObstacleToMerging(Model) is { } obstacle)
            {
                throw new TuningException(ErrorCodes.TuningCannotMerge, $"adapter '{Name}'", $"its part at {part.Place.Path} {obstacle}", "Keep the adapter beside the model");
            }
        }

        ThrowIfAnotherStandsIn(_copies);
        bool wasEnabled = IsEnabled;
        Enable(false);

        // The weights as they were are kept, not computed back: subtracting what was added would leave rounding errors.
        var before = new List<(Parameter Parameter, Tensor Value)>();
        foreach (AdapterCopy copy in _copies)
        {
            before.Add((copy.Parameter, copy.Parameter.Base));
            copy.Parameter.Replace(CopyOf(copy.Value));
        }

        foreach (AdapterPart part in AllParts)
        {
            foreach (Parameter weight in part.MergesInto)
            {
                before.Add((weight, weight.Base));
                weight.Replace(weight.CopyBase());
            }

            part.Merge();
            part.Detach();
        }

        return _merged = new MergedAdapter(this, before, wasEnabled);
    }

    /// <summary>Lets go of copies that another adapter holds as well; it must be switched off.</summary>
    internal void LetGo(IReadOnlySet<Parameter> parameters)
    {
        _copies.RemoveAll(copy => parameters.Contains(copy.Parameter));
        _modules.RemoveAll(path => !_copies.Exists(copy => IsWithin(copy.Parameter, path)));
    }

    /// <summary>Puts its parts behind those of all other adapters at the same places.</summary>
    internal void MoveBehindOthers()
    {
        foreach (AdapterPart part in AllParts)
        {
            part.Detach();
            part.Attach();
        }
    }

    /// <summary>Takes the adapter off the model, which is then the base model.</summary>
    /// <exception cref="InvalidOperationException">It is merged.</exception>
    public void Detach()
    {
        Enable(false);
        foreach (AdapterPart part in AllParts)
        {
            part.Detach();
        }
    }

    internal static bool IsWithin(Parameter parameter, string path) => parameter.Name.StartsWith(path + ".", StringComparison.Ordinal);

    internal void Unmerge(IReadOnlyList<(Parameter Parameter, Tensor Value)> before, bool enable)
    {
        // Backwards: where two parts changed one weight, the value before the first is the base's.
        foreach ((Parameter parameter, Tensor value) in before.Reverse())
        {
            parameter.Replace(value);
        }

        foreach (AdapterPart part in AllParts)
        {
            part.Attach();
        }

        _merged = null;
        Enable(enable);
    }

    private IEnumerable<AdapterPart> AllParts => _parts.Concat(_tokenRows);

    private void Add(AdapterPart part)
    {
        ArgumentNullException.ThrowIfNull(part);
        if (part.Adapter != Name)
        {
            throw new ArgumentException($"The part at {part.Place.Path} belongs to an adapter called '{part.Adapter}', this one is called '{Name}'.", nameof(part));
        }

        part.Enabled = IsEnabled;
        part.Attach();
    }

    private void Hold(Parameter parameter, Func<Tensor> value, bool learns)
    {
        if (_copies.Exists(copy => copy.Parameter == parameter))
        {
            return;
        }

        var copy = new AdapterCopy(parameter, value(), learns);
        if (IsEnabled)
        {
            ThrowIfAnotherStandsIn([copy]);
            parameter.Base.NeedsGrad = false;
            parameter.StandIn(copy.Value);
        }

        _copies.Add(copy);
    }

    private static Tensor CopyOf(Tensor source)
    {
        Tensor copy = Tensor.CreateLongLived(source.Shape, DType.F32, source.Backend);
        source.Backend.Copy(source, copy);
        return copy;
    }

    // Changes of two adapters add up, but only one copy can stand in for a weight.
    private void ThrowIfAnotherStandsIn(IEnumerable<AdapterCopy> copies)
    {
        foreach ((Parameter parameter, Tensor value, _) in copies)
        {
            if (!ReferenceEquals(parameter.Value, parameter.Base) && !ReferenceEquals(parameter.Value, value))
            {
                throw new InvalidOperationException($"The adapter '{Name}' holds a copy of {parameter.Name}, and so does another that is switched on. Switch that one off first.");
            }
        }
    }
}
