using Hieno.Formats;
using Hieno.Formats.Peft;
using Hieno.Models;

namespace Hieno.Tuning;

/// <summary>Settings of <see cref="LnTuning"/>.</summary>
public sealed record LnTuningOptions : AdapterOptions
{
    /// <summary>Endings of the names of the normalisation layers. Default: all of them.</summary>
    public IReadOnlyList<string> Targets { get; init; } = [];

    /// <inheritdoc/>
    protected internal override double DefaultLearningRate => 1e-3;

    /// <inheritdoc/>
    protected internal override PeftLayout Layout => new LnTuningLayout();

    /// <inheritdoc/>
    public override ITuningMethod Create() => new LnTuning(this);
}

/// <summary>Copies of the gains and offsets of normalisation layers learn, and stand in for the model's own; saved as an adapter of some kilobytes.</summary>
/// <remarks>Zhao et al. 2023, <see href="https://arxiv.org/abs/2312.11420"/>. The copies start as the model's own, so the first step starts from the base model exactly.</remarks>
public sealed class LnTuning(LnTuningOptions options) : ITuningMethod
{
    /// <inheritdoc/>
    public TunedModel Apply(PretrainedModel model, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(model);
        string[] norms = [.. LnTuningLayout.Norms(model)];
        foreach (string target in options.Targets)
        {
            if (!Array.Exists(norms, path => LayerTargets.Matches(path, target)))
            {
                string known = string.Join(", ", norms.Select(path => path[(path.LastIndexOf('.') + 1)..]).Distinct(StringComparer.Ordinal));
                throw new TuningException(ErrorCodes.TuningTargetUnknown, "ln-tuning", $"no normalisation layer's name ends with '{target}'. This model has {known}", "Set 'tuning.targets' to some of these, or leave it out");
            }
        }

        string[] chosen = [.. norms.Where(path => options.Targets.Count == 0 || options.Targets.Any(target => LayerTargets.Matches(path, target)))];
        var adapter = Adapter.Begin(model, options, "ln-tuning");
        adapter.Train(model.Parameters().Where(parameter => chosen.Contains(LnTuningLayout.PathOf(parameter), StringComparer.Ordinal)));
        return adapter.Complete();
    }
}

/// <summary>Tuned normalisation layers in PEFT's files: <c>(layer).ln_tuning_layers.weight</c> and <c>.bias</c>.</summary>
internal sealed class LnTuningLayout : PeftLayout
{
    private const string Wrapper = "ln_tuning_layers.";

    /// <inheritdoc/>
    public override string PeftType => "LN_TUNING";

    /// <summary>The paths of a model's normalisation layers.</summary>
    public static IEnumerable<string> Norms(PretrainedModel model) =>
        model.Parameters().Where(parameter => parameter.Kind == ParameterKind.Norm).Select(PathOf).Distinct(StringComparer.Ordinal);

    /// <summary>The path of the layer that a weight belongs to.</summary>
    public static string PathOf(Parameter parameter) => parameter.Name[..parameter.Name.LastIndexOf('.')];

    /// <inheritdoc/>
    public override AdapterOptions ReadOptions(PeftAdapterConfig config) =>
        new LnTuningOptions { Targets = PeftSettings.Targets(config), ModulesToSave = PeftSettings.ModulesToSave(config) };

    /// <inheritdoc/>
    public override void ReadParts(Adapter adapter, AdapterWeights weights)
    {
        foreach (string name in (string[])["weight", "bias"])
        {
            foreach (string path in weights.PathsWith(Wrapper + name))
            {
                Parameter parameter = weights.ParameterAt($"{path}.{name}");
                adapter.TakeCopy(parameter, weights.Take(path, Wrapper + name, parameter.Base.Shape));
            }
        }
    }

    /// <inheritdoc/>
    public override string? NameOfCopy(Parameter parameter)
    {
        ArgumentNullException.ThrowIfNull(parameter);
        string path = PathOf(parameter);
        return parameter.Kind == ParameterKind.Norm ? $"{Prefix}{path}.{Wrapper}{parameter.Name[(path.Length + 1)..]}" : null;
    }

    /// <inheritdoc/>
    public override PeftAdapterConfig Describe(Adapter adapter)
    {
        string[] tuned = [.. adapter.Copies.Select(copy => copy.Parameter).Where(parameter => parameter.Kind == ParameterKind.Norm).Select(PathOf).Distinct(StringComparer.Ordinal)];
        string[] endings = [.. tuned.Select(path => path[(path.LastIndexOf('.') + 1)..]).Distinct(StringComparer.Ordinal)];
        int meant = Norms(adapter.Model).Count(path => endings.Any(ending => LayerTargets.Matches(path, ending)));
        return PeftSettings.Describe(adapter, ("target_modules", meant == tuned.Length ? endings : tuned));
    }
}
