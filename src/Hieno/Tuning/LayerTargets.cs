using Hieno.Formats;
using Hieno.Models;
using Hieno.Models.Layers;

namespace Hieno.Tuning;

/// <summary>Which layers a method's <c>targets</c> mean.</summary>
public static class LayerTargets
{
    /// <summary>The target that stands for every linear layer below the head.</summary>
    public const string AllLinear = "all-linear";

    /// <summary>True when the module at <paramref name="path"/> is named by <paramref name="target"/>: equal, or ending in it after a full stop.</summary>
    public static bool Matches(string path, string target)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(target);
        return path == target || (path.EndsWith(target, StringComparison.Ordinal) && path[^(target.Length + 1)] == '.');
    }

    /// <summary>The layers below the head that targets name.</summary>
    /// <typeparam name="TLayer">The kind of layer that the method can change: <see cref="Linear"/>, or <see cref="Module"/> for tables and convolutions as well.</typeparam>
    /// <param name="adapter">The adapter that is made; layers inside its whole modules are left out, because they would learn the same change twice.</param>
    /// <param name="targets">Endings of names, or <see cref="AllLinear"/>.</param>
    /// <param name="who">The method, for errors.</param>
    /// <exception cref="TuningException">A target names nothing; the message lists what there is.</exception>
    public static IReadOnlyList<TLayer> Find<TLayer>(Adapter adapter, IReadOnlyList<string> targets, string who)
        where TLayer : Module
    {
        ArgumentNullException.ThrowIfNull(adapter);
        ArgumentNullException.ThrowIfNull(targets);
        TLayer[] candidates = [.. adapter.Model.Modules().OfType<TLayer>().Where(module => WeightOf(module) is { } weight
            && weight.Kind != ParameterKind.Head && !adapter.Modules.Any(path => Adapter.IsWithin(weight, path)))];
        foreach (string target in targets)
        {
            if (target != AllLinear && !candidates.Any(layer => Matches(layer.Path, target)))
            {
                string known = string.Join(", ", candidates.Select(layer => layer.Path[(layer.Path.LastIndexOf('.') + 1)..]).Distinct());
                string kind = typeof(TLayer) == typeof(Linear) ? "linear layer" : "layer";
                throw new TuningException(ErrorCodes.TuningTargetUnknown, who, $"no {kind}'s name ends with '{target}'. This model has {known}", "Set 'tuning.targets' to some of these, or to all-linear");
            }
        }

        return [.. candidates.Where(layer => targets.Any(target => target == AllLinear ? layer is Linear : Matches(layer.Path, target)))];
    }

    /// <summary>How <paramref name="targets"/> are written down: endings of names where they mean the changed layers and no others, else the layers' paths.</summary>
    /// <param name="adapter">The adapter.</param>
    /// <param name="targets">What the method was asked for.</param>
    public static IReadOnlyList<string> NamesOf(Adapter adapter, IReadOnlyList<string> targets)
    {
        ArgumentNullException.ThrowIfNull(adapter);
        ArgumentNullException.ThrowIfNull(targets);
        string[] changed = [.. adapter.Parts.Select(part => part.Place.Path).Distinct(StringComparer.Ordinal)];
        string[] endings = targets.Contains(AllLinear)
            ? [.. changed.Select(path => path[(path.LastIndexOf('.') + 1)..]).Distinct(StringComparer.Ordinal)]
            : [.. targets];
        int meant = adapter.Model.Modules().Count(module => WeightOf(module) is not null && endings.Any(ending => Matches(module.Path, ending)));
        return meant == changed.Length ? endings : changed;
    }

    /// <summary>The weight of a layer that adapters can change; null for other modules, and for convolutions whose filters read some channels only.</summary>
    internal static Parameter? WeightOf(Module module) => module switch
    {
        Linear linear => linear.Weight,
        Embedding table => table.Table,
        Convolution { Groups: 1 } convolution => convolution.Weight,
        _ => null,
    };
}
