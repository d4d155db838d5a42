using Hieno.Formats;

namespace Hieno.Recipes;

// The faults of one binding, and their wording: the fact, then what to do.
internal sealed class BindingFaults(Type rootType, KindCatalog catalog, List<RecipeFault> faults)
{
    // Every setting of the recipe by its key, for a right key in a wrong group. Made once, as a hostile file may have very many such keys.
    private ILookup<string, SettingWalk.Step>? _everywhere;

    public int Count => faults.Count;

    public void Add(string code, RecipePosition position, string path, string message) =>
        faults.Add(new RecipeFault(code, position, path, message));

    public void WrongType(string expected, RecipeNode node, string path, string advice = "") =>
        Add(ErrorCodes.RecipeValueType, node.Position, path, $"{Name(path)} must be {expected}, got {Quote.Describe(node)}.{advice}");

    public void OutOfRange(Limit limit, RecipeNode node, string path)
    {
        string? near = limit is AllowedLimit allowed && node is ScalarNode scalar ? NearestKey.To(scalar.Text, allowed.Texts) : null;
        Add(ErrorCodes.RecipeValueOutOfRange, node.Position, path,
            $"{Name(path)} must be {limit.Expected}, got {Quote.Describe(node)}.{Suggest(near)}");
    }

    public void Missing(RecipePosition position, string path)
    {
        // What lies inside a list has no flag of its own.
        string advice = path.Contains('[', StringComparison.Ordinal) ? "Add it." : $"Add it, or give --{path}.";
        Add(ErrorCodes.RecipeSettingMissing, position, path, $"'{path}' is missing and has no default. {advice}");
    }

    public void KindMissing(RecipePosition position, string path, IEnumerable<string> kinds) =>
        Add(ErrorCodes.RecipeUnknownKind, position, path,
            $"{Name(path)} does not say its kind. Add 'kind', one of: {string.Join(", ", kinds)}.");

    public void KindUnknown(RecipeNode kind, string path, IReadOnlyList<string> kinds)
    {
        string? near = kind is ScalarNode word ? NearestKey.To(word.Text, kinds) : null;
        Add(ErrorCodes.RecipeUnknownKind, kind.Position, Join(path, MapNode.KindKey),
            $"{Name(path)} has no kind {Quote.Describe(kind)}.{Suggest(near)} Known kinds: {string.Join(", ", kinds)}.");
    }

    /// <summary>A flag that goes inside a setting which holds nothing: <c>--base.x 1</c>.</summary>
    public void NotInside(RecipeEntry entry, string path, ValueModel model) =>
        Add(ErrorCodes.RecipeUnknownKey, entry.Value.Position, Join(path, entry.Key),
            $"'{Quote.Clip(Join(path, entry.Key))}' is not a setting of '{path}', which is {model.Expected}.");

    public void UnknownKey(RecordModel model, RecipeEntry entry, string path, string? kind)
    {
        string keyPath = Join(path, entry.Key);
        string group = kind ?? (path.Length > 0 ? $"'{path}'" : "a recipe");
        string[] known = [.. kind is null ? [] : (string[])[MapNode.KindKey], .. model.Settings.Select(s => s.Key)];
        Add(ErrorCodes.RecipeUnknownKey, entry.Position, keyPath,
            $"'{Quote.Clip(keyPath)}' is not a setting of {group}. {AdviceOn(entry.Key, keyPath, known)}");
    }

    /// <summary>A broken rule across settings, in the words of <see cref="IValidated.Validate"/>.</summary>
    public void Conflict(RecordModel model, MapNode map, string path, string rule)
    {
        string message = rule.TrimEnd('.') + ".";
        int end = message.StartsWith('\'') ? message.IndexOf('\'', 1) : -1;
        string key = end > 1 ? message[1..end] : "";
        if (model.Find(key.Split('.')[0], isFlag: false) is null)
        {
            Add(ErrorCodes.RecipeSettingsConflict, map.Position, path, message);
            return;
        }

        // The message begins with a key of the group: place it there, or at the group around it where the key has its default.
        RecipeNode node = map;
        foreach (string part in key.Split('.'))
        {
            if (node is not MapNode group || group.Entries.FirstOrDefault(e => NearestKey.Same(e.Key, part)) is not { } entry)
            {
                break;
            }

            node = entry.Value;
        }

        Add(ErrorCodes.RecipeSettingsConflict, node.Position, Join(path, key), $"'{Join(path, key)}'{message[(end + 1)..]}");
    }

    public static string Join(string path, string key) => path.Length == 0 ? key : $"{path}.{key}";

    private string AdviceOn(string key, string keyPath, string[] known)
    {
        if (NearestKey.To(key, known) is { } near)
        {
            return $"Did you mean '{near}'?";
        }

        _everywhere ??= SettingWalk.Paths(rootType, catalog).ToLookup(s => NearestKey.Plain(s.Setting.Key), StringComparer.Ordinal);
        var elsewhere = _everywhere[NearestKey.Plain(key)].FirstOrDefault();
        string settings = known.Length == 0 ? "It has none." : NearestKey.Advice(key, known, "Settings");
        return elsewhere.Path is null ? settings
            : string.Equals(elsewhere.Path, keyPath, StringComparison.Ordinal) ? $"It is a setting of {elsewhere.Kind}. {settings}"
            : $"Did you mean '{elsewhere.Path}'?";
    }

    private static string Suggest(string? near) => near is null ? "" : $" Did you mean '{near}'?";

    private static string Name(string path) => path.Length == 0 ? "the recipe" : $"'{Quote.Clip(path)}'";
}
