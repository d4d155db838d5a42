using Hieno.Formats;
using Hieno.Models;

namespace Hieno.Tuning;

/// <summary>Which modules are trained whole beside an adapter: those a recipe names, and what the checkpoint did not hold.</summary>
internal static class WholeModules
{
    /// <summary>The paths of the modules.</summary>
    /// <param name="model">The model.</param>
    /// <param name="names">Endings of names.</param>
    /// <param name="who">The method, for errors.</param>
    /// <exception cref="TuningException">A name matches nothing, or a module without weights of its own.</exception>
    public static IReadOnlyList<string> Find(PretrainedModel model, IReadOnlyList<string> names, string who)
    {
        var paths = new List<string>();
        string[] filled = [.. model.Parameters().SelectMany(parameter => PathsAbove(parameter.Name)).Distinct(StringComparer.Ordinal)];
        foreach (string name in names)
        {
            string[] named = [.. filled.Where(path => LayerTargets.Matches(path, name))];
            if (named.Length == 0)
            {
                string fact = model.Modules().FirstOrDefault(module => LayerTargets.Matches(module.Path, name)) is { } empty
                    ? $"'{empty.Path}' has no weights of its own: it shares the token table"
                    : $"no module's name ends with '{name}'";
                throw new TuningException(ErrorCodes.TuningTargetUnknown, who, $"{fact}, so it cannot be trained and saved whole", "Correct 'tuning.modulesToSave'; 'hieno inspect' lists the modules");
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
    private static string HeadOf(PretrainedModel model, string weight)
    {
        string head = model.Head.Path;
        return head.Length > 0 && weight.StartsWith(head + ".", StringComparison.Ordinal) ? head : weight[..weight.LastIndexOf('.')];
    }
}
