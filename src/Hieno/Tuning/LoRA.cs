using System.ComponentModel.DataAnnotations;
using Hieno.Formats;
using Hieno.Models;
using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Tuning;

/// <summary>Which offsets learn beside a LoRA adapter.</summary>
public enum LoRABias
{
    /// <summary>None.</summary>
    None,

    /// <summary>All offsets of the model.</summary>
    All,

    /// <summary>The offsets of the adapted layers.</summary>
    LoraOnly,
}

/// <summary>Settings of <see cref="LoRA"/>.</summary>
public sealed record LoRAOptions : TuningOptions
{
    /// <summary>Rank r of the update; trainable weights grow linearly with it. Default 8.</summary>
    [Range(1, 4096)]
    public int Rank { get; init; } = 8;

    /// <summary>Numerator of the update's scale α / r. Default 16.</summary>
    [Range(1e-3, 1e6)]
    public double Alpha { get; init; } = 16;

    /// <summary>Probability of dropping an input of the update (the base path is never dropped). Default 0.</summary>
    [Range(0.0, 0.95)]
    public double Dropout { get; init; }

    /// <summary>True scales by α / √r instead of α / r, which keeps high ranks stable (Kalajdzievski 2023). Default false.</summary>
    public bool RsLora { get; init; }

    /// <summary>Endings of the names of the layers to adapt, or all-linear for every linear layer below the head. Default: the family's usual ones.</summary>
    public IReadOnlyList<string> Targets { get; init; } = [];

    /// <summary>Which offsets learn as well: none, all, lora-only. Default none.</summary>
    public LoRABias Bias { get; init; } = LoRABias.None;

    /// <summary>Endings of the names of modules that are trained whole and saved with the adapter. A new task's head always is. Default: none.</summary>
    public IReadOnlyList<string> ModulesToSave { get; init; } = [];

    /// <inheritdoc/>
    protected internal override double DefaultLearningRate => 2e-4;

    /// <inheritdoc/>
    public override ITuningMethod Create() => new LoRA(this);
}

/// <summary>Low-rank adaptation: W stays frozen and y = Wx + b + s·B(A·dropout(x)) learns through A and B only, with s = α / r.</summary>
/// <remarks>
/// Hu et al. 2021, <see href="https://arxiv.org/abs/2106.09685"/>, section 4.1. A starts Kaiming-uniform, B at zero, so that the first step
/// starts from the base model exactly. rsLoRA: Kalajdzievski 2023, <see href="https://arxiv.org/abs/2312.03732"/>.
/// </remarks>
public sealed class LoRA(LoRAOptions options) : ITuningMethod
{
    /// <summary>The target that stands for every linear layer below the head.</summary>
    public const string AllLinear = "all-linear";

    /// <inheritdoc/>
    public TunedModel Apply(TextModel model, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(model);
        TunedModel.FreezeAllButNew(model);
        List<string> whole = ModulesToSave(model);
        List<Linear> layers = TargetsOf(model, whole);
        double scale = options.Alpha / (options.RsLora ? Math.Sqrt(options.Rank) : options.Rank);

        var adapter = new LoRAAdapter(model, options with { Targets = EffectiveTargets(model) });
        foreach (Linear layer in layers)
        {
            string path = layer.Path;
            Tensor a = Initializer.KaimingUniform(layer.In).Create([options.Rank, layer.In], seed, $"{path}.lora_A.weight", layer.Weight.Value.Backend);
            Tensor b = Initializer.Zeros.Create([layer.Out, options.Rank], seed, $"{path}.lora_B.weight", layer.Weight.Value.Backend);
            adapter.Attach(layer, a, b, (float)scale, (float)options.Dropout);
        }

        adapter.TrainOffsets(options.Bias, layers);
        adapter.TrainModules(whole);
        adapter.SetTrainable(true);
        return new TunedModel(model, adapter);
    }

    private IReadOnlyList<string> EffectiveTargets(TextModel model) => options.Targets.Count > 0 ? options.Targets : model.Family.DefaultTargets;

    // A layer that is trained whole gets no pair: it would learn the same change twice.
    private List<Linear> TargetsOf(TextModel model, List<string> whole)
    {
        IReadOnlyList<string> targets = EffectiveTargets(model);
        Linear[] candidates = [.. TunedModel.Linears(model).Where(layer => layer.Weight.Kind != ParameterKind.Head && !whole.Exists(path => LoRAAdapter.IsWithin(layer.Weight, path)))];
        foreach (string target in targets)
        {
            if (target != AllLinear && !candidates.Any(layer => LoRAAdapter.IsTarget(layer.Path, target)))
            {
                string known = string.Join(", ", candidates.Select(layer => layer.Path[(layer.Path.LastIndexOf('.') + 1)..]).Distinct());
                throw new TuningException(ErrorCodes.TuningTargetUnknown, "LoRA", $"no linear layer's name ends with '{target}'. This model has {known}", "Set 'tuning.targets' to some of these, or to all-linear");
            }
        }

        return [.. candidates.Where(layer => targets.Any(target => target == AllLinear || LoRAAdapter.IsTarget(layer.Path, target)))];
    }

    // A module is trained and saved whole when the recipe names it, or when the checkpoint did not hold it.
    private List<string> ModulesToSave(TextModel model)
    {
        var paths = new List<string>();
        string[] filled = [.. model.Parameters().SelectMany(parameter => PathsAbove(parameter.Name)).Distinct(StringComparer.Ordinal)];
        foreach (string name in options.ModulesToSave)
        {
            string[] named = [.. filled.Where(path => LoRAAdapter.IsTarget(path, name))];
            if (named.Length == 0)
            {
                string fact = model.Modules().FirstOrDefault(module => LoRAAdapter.IsTarget(module.Path, name)) is { } empty
                    ? $"'{empty.Path}' has no weights of its own: it shares the token table"
                    : $"no module's name ends with '{name}'";
                throw new TuningException(ErrorCodes.TuningTargetUnknown, "LoRA", $"{fact}, so it cannot be trained and saved whole", "Correct 'tuning.modulesToSave'; 'hieno inspect' lists the modules");
            }

            paths.AddRange(named);
        }

        paths.AddRange(model.NewlyInitialized.Select(name => HeadOf(model, name)));
        return [.. paths.Distinct(StringComparer.Ordinal)];
    }

    // a.b.c.weight lies in a, a.b and a.b.c.
    private static IEnumerable<string> PathsAbove(string name)
    {
        for (int dot = name.IndexOf('.', StringComparison.Ordinal); dot >= 0; dot = name.IndexOf('.', dot + 1))
        {
            yield return name[..dot];
        }
    }

    // The outermost module that holds a new weight: PEFT wraps a head as one, not layer by layer.
    private static string HeadOf(TextModel model, string weight)
    {
        string head = (model.ClassificationHead?.Path ?? model.LanguageHead?.Path)!;
        return head.Length > 0 && weight.StartsWith(head + ".", StringComparison.Ordinal) ? head : weight[..weight.LastIndexOf('.')];
    }
}

/// <summary>The trainable pair A, B beside one linear layer.</summary>
public sealed class LoRAUpdate : LinearUpdate
{
    private readonly float _scale;
    private readonly float _dropout;

    /// <summary>Makes the pair.</summary>
    /// <param name="adapter">The adapter's name.</param>
    /// <param name="a">A, [r, in].</param>
    /// <param name="b">B, [out, r].</param>
    /// <param name="scale">s.</param>
    /// <param name="dropout">Probability of dropping an input.</param>
    public LoRAUpdate(string adapter, Parameter a, Parameter b, float scale, float dropout)
        : base(adapter)
    {
        (A, B, _scale, _dropout) = (a, b, scale, dropout);
        Parameters = [a, b];
    }

    /// <summary>A, [r, in].</summary>
    public Parameter A { get; }

    /// <summary>B, [out, r].</summary>
    public Parameter B { get; }

    /// <summary>The factor s of the update.</summary>
    public float Scale => _scale;

    /// <inheritdoc/>
    public override IReadOnlyList<Parameter> Parameters { get; }

    /// <inheritdoc/>
    public override Tensor Apply(Linear layer, Tensor x, Tensor y)
    {
        Tensor low = Ops.Scale(Ops.Linear(Ops.Dropout(x, _dropout), A), _scale); // [N, r]
        return Ops.Add(y, Ops.Linear(low, B));                                   // [N, out]
    }

    /// <inheritdoc/>
    public override void Merge(Linear layer)
    {
        ArgumentNullException.ThrowIfNull(layer);
        layer.Weight.MakeWritable();
        using Tape tape = Tape.Begin(record: false, backend: layer.Weight.Value.Backend);
        Tensor change = layer.Transposed
            ? Ops.Linear(Ops.Scale(Transpose(A), _scale), B)                // [in, r]·[r, out]
            : Ops.Linear(Ops.Scale(B, _scale), A, transposed: true);        // [out, r]·[r, in]
        layer.Weight.Base.Backend.AddInto(change, layer.Weight.Base);
    }

    private static Tensor Transpose(Tensor matrix)
    {
        float[] from = matrix.ToArray();
        (int rows, int columns) = (matrix.Rows, matrix.Columns);
        float[] to = new float[from.Length];
        for (int row = 0; row < rows; row++)
        {
            for (int column = 0; column < columns; column++)
            {
                to[(column * rows) + row] = from[(row * columns) + column];
            }
        }

        return Tensor.FromValues([columns, rows], to, matrix.Backend);
    }
}
