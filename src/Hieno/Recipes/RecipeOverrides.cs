using System.Text.Json;
using Hieno.Formats;

namespace Hieno.Recipes;

/// <summary>Settings given on the command line: <c>--tuning.rank 16 --data.train=a.jsonl --training.packing</c>.</summary>
/// <remarks>
/// A flag is a setting's path, in camel or kebab case. Its value follows it or an equals sign; without a value it means true.
/// A list is given by commas, by repeating the flag, or as <c>[a, b]</c>. <c>null</c> unsets. A group with kinds takes the kind
/// itself: <c>--tuning lora</c>.
/// </remarks>
public sealed class RecipeOverrides
{
    private readonly List<Override> _overrides = [];
    private readonly List<RecipeFault> _faults = [];

    private RecipeOverrides()
    {
    }

    /// <summary>True when no flag was given.</summary>
    public bool IsEmpty => _overrides.Count == 0 && _faults.Count == 0;

    /// <summary>What cannot be read as flags. <see cref="RecipeFile.Load{T}"/> reports it together with the faults of the file.</summary>
    public IReadOnlyList<RecipeFault> Faults => _faults;

    /// <summary>Reads the part of a command line that holds settings. What the user mistyped goes into <see cref="Faults"/>.</summary>
    /// <param name="args">The arguments, without the verb and the recipe.</param>
    /// <returns>The settings in the order they were given.</returns>
    public static RecipeOverrides Parse(IReadOnlyList<string> args)
    {
        var overrides = new RecipeOverrides();
        for (int i = 0; i < args.Count; i++)
        {
            if (!args[i].StartsWith("--", StringComparison.Ordinal))
            {
                overrides.Refuse(args[i], $"'{Quote.Clip(args[i])}' is not a flag. Write '--key value', and quote values with spaces.");
                continue;
            }

            int equals = args[i].IndexOf('=', StringComparison.Ordinal);
            string flag = equals < 0 ? args[i] : args[i][..equals];
            string[] path = flag[2..].Split('.');
            string? text = equals >= 0 ? args[i][(equals + 1)..]
                : i + 1 < args.Count && !args[i + 1].StartsWith("--", StringComparison.Ordinal) ? args[++i]
                : null;
            if (path.Length > RecipeFile.MaxDepth || path.Any(string.IsNullOrWhiteSpace))
            {
                overrides.Refuse(flag, $"'{Quote.Clip(flag)}' is not the path of a setting. Write '--group.key value'.");
                continue;
            }

            overrides.Add(path, flag, text);
        }

        return overrides;
    }

    /// <summary>Puts the settings into a recipe's tree, where they win over the file's.</summary>
    /// <param name="tree">The recipe.</param>
    /// <returns>A new tree; <paramref name="tree"/> stays as it is.</returns>
    /// <exception cref="RecipeException">A flag is malformed, or goes inside a list.</exception>
    public MapNode ApplyTo(MapNode tree)
    {
        var faults = new List<RecipeFault>();
        var applied = ApplyTo(tree, faults);
        return faults.Count == 0 ? applied : throw new RecipeException(faults);
    }

    internal MapNode ApplyTo(MapNode tree, List<RecipeFault> faults)
    {
        faults.AddRange(_faults);
        foreach (var (path, flag, values) in _overrides)
        {
            var position = RecipePosition.CommandLine(flag);
            RecipeNode value = values.Count == 1 ? values[0] : new ListNode(values, position);
            tree = (MapNode)Set(tree, path, depth: 0, value, faults);
        }

        return tree;
    }

    /// <summary>The same value at the position of the flag that it came from.</summary>
    internal static RecipeNode MoveTo(RecipeNode node, RecipePosition position) => node switch
    {
        ScalarNode scalar => new ScalarNode(scalar.Text, scalar.Form, position),
        ListNode list => new ListNode([.. list.Items.Select(i => MoveTo(i, position))], position),
        MapNode map => new MapNode([.. map.Entries.Select(e => new RecipeEntry(e.Key, position, MoveTo(e.Value, position)))], position),
        _ => throw new NotSupportedException($"Recipe node {node.GetType().Name} is not known."),
    };

    private void Add(string[] path, string flag, string? text)
    {
        var form = text switch { null => ScalarForm.Flag, "null" => ScalarForm.Null, _ => ScalarForm.Plain };
        var value = new ScalarNode(text ?? "", form, RecipePosition.CommandLine(flag));

        // A repeated flag makes a list; which settings take one is the binder's affair.
        var same = _overrides.Find(o => o.Path.Length == path.Length && o.Path.Zip(path).All(p => IsSame(p.First, p.Second)));
        if (same is not null)
        {
            same.Values.Add(value);
        }
        else
        {
            _overrides.Add(new Override(path, flag, [value]));
        }
    }

    private void Refuse(string flag, string message) =>
        _faults.Add(new RecipeFault(ErrorCodes.RecipeOverrideInvalid, RecipePosition.CommandLine(Quote.Clip(flag)), "", message));

    private static RecipeNode Set(RecipeNode? existing, string[] path, int depth, RecipeNode value, List<RecipeFault> faults)
    {
        if (depth == path.Length)
        {
            return Replace(existing, value);
        }

        MapNode map;
        switch (existing)
        {
            case MapNode known:
                map = known;
                break;
            case ScalarNode { Form: ScalarForm.Plain or ScalarForm.Quoted } scalar:
                // 'tuning: lora' and '--tuning.rank 16': the scalar becomes the kind of the group.
                map = new MapNode([new RecipeEntry(MapNode.KindKey, scalar.Position, scalar)], scalar.Position) { ShortFor = scalar };
                break;
            case ListNode list:
                string group = Quote.Clip(string.Join('.', path[..depth]));
                faults.Add(new RecipeFault(ErrorCodes.RecipeOverrideInvalid, value.Position, group,
                    $"'{group}' is a list ({list.Position}). Give the whole list by --{group}."));
                return list;
            default:
                map = new MapNode([], value.Position);
                break;
        }

        string key = path[depth];
        var entry = map.Find(key) ?? map.Entries.FirstOrDefault(e => IsSame(e.Key, key));
        var changed = Set(entry?.Value, path, depth + 1, value, faults);
        var entries = entry is null
            ? [.. map.Entries, new RecipeEntry(key, value.Position, changed)]
            : map.Entries.Select(e => e == entry ? entry with { Value = changed } : e).ToList();
        return new MapNode(entries, map.Position) { ShortFor = map.ShortFor, Replaced = map.Replaced };
    }

    private static RecipeNode Replace(RecipeNode? existing, RecipeNode value)
    {
        // '--tuning lora' over a group keeps the group's settings and changes its kind.
        if (existing is MapNode map && value is ScalarNode { Form: ScalarForm.Plain } scalar)
        {
            var kind = new ScalarNode(scalar.Text, scalar.Form, scalar.Position) { Replaced = map.Find(MapNode.KindKey)?.Value };
            var others = map.Entries.Where(e => !string.Equals(e.Key, MapNode.KindKey, StringComparison.Ordinal));
            return new MapNode([new RecipeEntry(MapNode.KindKey, kind.Position, kind), .. others], map.Position) { ShortFor = kind };
        }

        return value is ScalarNode plain ? new ScalarNode(plain.Text, plain.Form, plain.Position) { Replaced = existing } : value;
    }

    // batch-size on the command line is batchSize in the file.
    private static bool IsSame(string key, string flag) =>
        string.Equals(key, flag, StringComparison.Ordinal)
        || string.Equals(Kebab(key), Kebab(flag), StringComparison.Ordinal);

    private static string Kebab(string key) => JsonNamingPolicy.KebabCaseLower.ConvertName(key);

    private sealed record Override(string[] Path, string Flag, List<ScalarNode> Values);
}
