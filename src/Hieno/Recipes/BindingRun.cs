using System.Collections;
using Hieno.Formats;

namespace Hieno.Recipes;

// Binds one recipe. A fault is noted and binding goes on, so that all faults are found; the record is handed out only when there is none.
internal sealed class BindingRun(Type rootType, KindCatalog catalog, List<RecipeFault> faults)
{
    private readonly List<string> _notes = [];

    public IReadOnlyList<string> Notes => _notes;

    public object? Bind(MapNode tree)
    {
        ValueModel root = catalog.KindsOf(rootType) is { Count: > 0 } kinds ? new KindsModel(rootType, kinds) : new GroupModel(rootType);
        return TryBind(root, tree, "", null, out object? value) ? value : null;
    }

    // initial: the default of the setting, from which a group takes what the recipe does not say.
    private bool TryBind(ValueModel model, RecipeNode node, string path, object? initial, out object? value)
    {
        value = null;
        if (node is ScalarNode { Form: ScalarForm.Null } && model.Nullable)
        {
            return true;
        }

        // A flag made a group with a kind of this ('--base x' over a group, '--base.key x' over a scalar), but the setting has no kinds.
        if (node is MapNode { ShortFor: { } scalar } map && model is not (KindsModel or GroupModel))
        {
            if (map.Entries.FirstOrDefault(e => e.Value.Position.IsCommandLine && e.Value != scalar) is { } inside)
            {
                Add(ErrorCodes.RecipeUnknownKey, inside.Value.Position, Join(path, inside.Key),
                    $"'{Quote.Clip(Join(path, inside.Key))}' is not a setting of '{path}', which is {model.Expected}.");
                return false;
            }

            node = scalar;
        }

        int before = faults.Count;
        value = model switch
        {
            ScalarModel scalarModel => BindScalar(scalarModel, node, path),
            ListModel list => BindList(list, node, path),
            TableModel table => BindTable(table, node, path),
            GroupModel group => BindGroup(group, node, path, initial),
            KindsModel kinds => BindKind(kinds, node, path, initial),
            _ => throw new NotSupportedException($"Recipe value {model.GetType().Name} is not known."),
        };
        if (faults.Count > before)
        {
            return false;
        }

        object bound = value!;
        foreach (var limit in model.Limits.Where(l => !l.Allows(bound)))
        {
            string near = limit is AllowedLimit allowed && node is ScalarNode { Text: var text } && NearestKey.To(text, allowed.Texts) is { } word
                ? $" Did you mean '{word}'?" : "";
            Add(ErrorCodes.RecipeValueOutOfRange, node.Position, path, $"{Name(path)} must be {limit.Expected}, got {Got(node)}.{near}");
        }

        return faults.Count == before;
    }

    private object? BindScalar(ScalarModel model, RecipeNode node, string path)
    {
        // A flag without a value is only a truth value: '--training.packing' means true.
        if (node is ScalarNode { Form: ScalarForm.Flag } && model is TruthModel)
        {
            return true;
        }

        bool quoted = node is ScalarNode { Form: ScalarForm.Quoted };
        if (node is ScalarNode { Form: ScalarForm.Plain or ScalarForm.Quoted } scalar && model.TryRead(scalar.Text, quoted, out object? value))
        {
            return value;
        }

        string advice = quoted && model.TryRead(((ScalarNode)node).Text, quoted: false, out _) ? " Remove the quotes."
            : node is ScalarNode { Form: ScalarForm.Null } ? " Give a value, or remove the key to have the default."
            : model is ChoiceModel choice && node is ScalarNode { Text: var word } && NearestKey.To(word, choice.Names) is { } near ? $" Did you mean '{near}'?"
            : model is TruthModel && node is ScalarNode { Text: "yes" or "on" or "Yes" or "On" } ? " Write true."
            : model is TruthModel && node is ScalarNode { Text: "no" or "off" or "No" or "Off" } ? " Write false."
            : "";
        string expected = node is ScalarNode { Form: ScalarForm.Plain, Text: var plain } ? model.ExpectedFor(plain) : model.Expected;
        return WrongType(expected, node, path, advice);
    }

    private object? BindList(ListModel model, RecipeNode node, string path)
    {
        if (node is MapNode && model.Element is ScalarModel)
        {
            return WrongType(model, node, path);
        }

        // 'targets: q_proj' is short for 'targets: [q_proj]'.
        var items = node is ListNode list ? list.Items : [node];
        if (node is ScalarNode { Form: ScalarForm.Null or ScalarForm.Flag })
        {
            return WrongType(model, node, path, " Give a value, or remove the key to have the default.");
        }

        if (node.Position.IsCommandLine)
        {
            items = [.. items.SelectMany(SplitFlag)];
        }

        var values = new List<object?>(items.Count);
        for (int i = 0; i < items.Count; i++)
        {
            if (TryBind(model.Element, items[i], items.Count == 1 && node is not ListNode ? path : $"{path}[{i}]", null, out object? value))
            {
                values.Add(value);
            }
        }

        return values.Count == items.Count ? model.Build(values) : null;
    }

    // '--tuning.targets q_proj,v_proj' or '--tuning.targets "[q_proj, v_proj]"': only here is it known that the flag's setting is a list.
    private IEnumerable<RecipeNode> SplitFlag(RecipeNode node)
    {
        if (node is not ScalarNode { Form: ScalarForm.Plain } scalar)
        {
            return [node];
        }

        if (!scalar.Text.StartsWith('['))
        {
            return scalar.Text.Length == 0 ? [] : scalar.Text.Split(',', StringSplitOptions.TrimEntries).Select(t => FlagValue(t, scalar.Position));
        }

        try
        {
            var tree = RecipeFile.ParseTree("flag: " + scalar.Text, scalar.Position.File, RecipeFormat.Yaml);
            return tree.Entries is [{ Value: ListNode list }] ? list.Items.Select(i => RecipeOverrides.MoveTo(i, scalar.Position)) : [node];
        }
        catch (RecipeException e)
        {
            Add(ErrorCodes.RecipeOverrideInvalid, scalar.Position, "", $"'{Quote.Clip(scalar.Text)}' is not a list: {e.Faults[0].Message}");
            return [];
        }
    }

    private static ScalarNode FlagValue(string text, RecipePosition position) => new(text, ScalarForm.Plain, position);

    private object? BindTable(TableModel model, RecipeNode node, string path)
    {
        if (node is not MapNode map)
        {
            return WrongType(model, node, path, " Write 'name: value' lines under it.");
        }

        var values = new List<KeyValuePair<string, object?>>(map.Entries.Count);
        foreach (var entry in map.Entries)
        {
            if (TryBind(model.Element, entry.Value, Join(path, entry.Key), null, out object? value))
            {
                values.Add(new(entry.Key, value));
            }
        }

        return values.Count == map.Entries.Count ? model.Build(values) : null;
    }

    private object? BindGroup(GroupModel model, RecipeNode node, string path, object? initial)
    {
        var record = catalog.ModelOf(model.Type);
        if (node is MapNode { ShortFor: null } map)
        {
            return BindRecord(record, map, path, initial, kind: null, former: null);
        }

        RecipeNode written = node is MapNode { ShortFor: { } scalar } ? scalar : node;
        string keys = string.Join(", ", record.Settings.Select(s => s.Key));
        return WrongType(model, written, path, path.Length == 0 || written.Position.IsCommandLine ? $" Its settings: {keys}." : $" Write its settings under it: {keys}.");
    }

    private object? BindKind(KindsModel model, RecipeNode node, string path, object? initial)
    {
        var map = node as MapNode;
        if (map is null && node is not ScalarNode { Form: ScalarForm.Plain or ScalarForm.Quoted })
        {
            return WrongType(model, node, path, $" Known kinds: {string.Join(", ", model.Kinds.Select(k => k.Key))}.");
        }

        // 'schedule: cosine' is short for 'schedule: { kind: cosine }'.
        RecipeNode? kind = map is null ? node : map.Find(MapNode.KindKey)?.Value;
        string kindPath = Join(path, MapNode.KindKey);
        string[] names = [.. model.Kinds.Select(k => k.Key)];
        if (kind is null && initial is null)
        {
            Add(ErrorCodes.RecipeUnknownKind, node.Position, path, $"{Name(path)} does not say its kind. Add 'kind', one of: {string.Join(", ", names)}.");
            return null;
        }

        string? name = kind is null ? catalog.KindOf(model.BaseType, initial!.GetType()) : kind is ScalarNode { Form: not ScalarForm.Null } word ? word.Text : null;
        if (name is null || catalog.Find(model.BaseType, name) is not { } type)
        {
            string near = name is not null && NearestKey.To(name, names) is { } nearest ? $" Did you mean '{nearest}'?" : "";
            Add(ErrorCodes.RecipeUnknownKind, kind!.Position, kindPath,
                $"{Name(path)} has no kind {(name is null ? Quote.Describe(kind) : $"'{Quote.Clip(name)}'")}.{near} Known kinds: {string.Join(", ", names)}.");
            return null;
        }

        // A flag that changes the kind leaves the file's settings of the former kind without a meaning: they are dropped, with a note.
        var formerType = kind is { Position.IsCommandLine: true }
            ? kind.Replaced is ScalarNode old ? catalog.Find(model.BaseType, old.Text) : initial?.GetType()
            : null;
        var former = formerType is null || formerType == type ? null : catalog.ModelOf(formerType);
        var start = initial?.GetType() == type ? initial : null;
        return BindRecord(catalog.ModelOf(type), map ?? new MapNode([], node.Position), path, start, name, former);
    }

    private object BindRecord(RecordModel model, MapNode map, string path, object? initial, string? kind, RecordModel? former)
    {
        int before = faults.Count;
        object record = initial is null ? model.Create() : model.CopyOf(initial);
        var given = new Dictionary<SettingModel, RecipeEntry>();
        foreach (var entry in map.Entries.Where(e => kind is null || !string.Equals(e.Key, MapNode.KindKey, StringComparison.Ordinal)))
        {
            if (model.Find(entry.Key, entry.Position.IsCommandLine) is { } setting)
            {
                given[setting] = entry;
            }
            else if (former?.Find(entry.Key, isFlag: false) is not null && !entry.Position.IsCommandLine)
            {
                _notes.Add($"{entry.Position}: '{Join(path, entry.Key)}' is left out, because {kind} has no such setting.");
            }
            else
            {
                Add(ErrorCodes.RecipeUnknownKey, entry.Position, Join(path, entry.Key), UnknownKey(model, entry.Key, path, kind));
            }
        }

        foreach (var setting in model.Settings)
        {
            string settingPath = Join(path, setting.Key);
            object? value = initial is null && setting.IsRequired ? null : setting.Get(record);
            if (given.TryGetValue(setting, out var entry))
            {
                if (TryBind(setting.Value, entry.Value, settingPath, value, out value))
                {
                    setting.Set(record, value);
                }
            }
            else if (initial is null && setting.IsRequired)
            {
                Add(ErrorCodes.RecipeSettingMissing, map.Position, settingPath,
                    $"'{settingPath}' is missing and has no default. {(settingPath.Contains('[', StringComparison.Ordinal) ? "Add it." : $"Add it, or give --{settingPath}.")}");
            }
            else if (value is not null)
            {
                setting.Set(record, Complete(setting.Value, value, map.Position, settingPath));
            }
        }

        if (faults.Count == before && record is IValidated validated)
        {
            foreach (string message in validated.Validate())
            {
                AddConflict(model, map, path, message);
            }
        }

        return record;
    }

    // A default passes the same rules as what is written, and its lists are made to compare by value.
    private object Complete(ValueModel model, object value, RecipePosition position, string path) => model switch
    {
        GroupModel group => BindRecord(catalog.ModelOf(group.Type), new MapNode([], position), path, value, kind: null, former: null),
        KindsModel kinds => BindRecord(catalog.ModelOf(value.GetType()), new MapNode([], position), path, value,
            catalog.KindOf(kinds.BaseType, value.GetType()), former: null),
        ListModel list => list.Build([.. ((IEnumerable)value).Cast<object?>()]),
        TableModel table => table.Build(table.EntriesOf(value)),
        _ => value,
    };

    private void AddConflict(RecordModel model, MapNode map, string path, string message)
    {
        // A message that begins with 'key' is placed at that key, and the key is written with its whole path.
        int end = message.StartsWith('\'') ? message.IndexOf('\'', 1) : -1;
        string key = end > 1 ? message[1..end] : "";
        string first = key.Split('.')[0];
        if (model.Find(first, isFlag: false) is null)
        {
            Add(ErrorCodes.RecipeSettingsConflict, map.Position, path, message);
            return;
        }

        RecipeNode node = map;
        var position = map.Position;
        foreach (string part in key.Split('.'))
        {
            if (node is not MapNode inner || inner.Entries.FirstOrDefault(e => NearestKey.Same(e.Key, part)) is not { } entry)
            {
                break;
            }

            (node, position) = (entry.Value, entry.Value.Position);
        }

        Add(ErrorCodes.RecipeSettingsConflict, position, Join(path, key), $"'{Join(path, key)}'{message[(end + 1)..]}");
    }

    private string UnknownKey(RecordModel model, string key, string path, string? kind)
    {
        string of = kind is not null ? $"of {kind}" : path.Length > 0 ? $"of '{path}'" : "of a recipe";
        string[] known = [.. kind is null ? [] : (string[])[MapNode.KindKey], .. model.Settings.Select(s => s.Key)];
        string fact = $"'{Quote.Clip(Join(path, key))}' is not a setting {of}.";
        if (NearestKey.To(key, known) is { } near)
        {
            return $"{fact} Did you mean '{near}'?";
        }

        // The right key in the wrong group: 'learningRate' at the top instead of under 'training'.
        var elsewhere = SettingWalk.Paths(rootType, catalog).FirstOrDefault(p => NearestKey.Same(p.Setting.Key, key));
        string settings = known.Length == 0 ? "It has none." : NearestKey.Advice(key, known, "Settings");
        return elsewhere.Path is null ? $"{fact} {settings}"
            : string.Equals(elsewhere.Path, Join(path, key), StringComparison.Ordinal) ? $"{fact} It is a setting of {elsewhere.Kind}. {settings}"
            : $"{fact} Did you mean '{elsewhere.Path}'?";
    }

    private object? WrongType(ValueModel model, RecipeNode node, string path, string advice = "") => WrongType(model.Expected, node, path, advice);

    private object? WrongType(string expected, RecipeNode node, string path, string advice)
    {
        Add(ErrorCodes.RecipeValueType, node.Position, path, $"{Name(path)} must be {expected}, got {Got(node)}.{advice}");
        return null;
    }

    private void Add(string code, RecipePosition position, string path, string message) => faults.Add(new RecipeFault(code, position, path, message));

    private static string Got(RecipeNode node) => Quote.Describe(node);

    private static string Name(string path) => path.Length == 0 ? "the recipe" : $"'{Quote.Clip(path)}'";

    private static string Join(string path, string key) => path.Length == 0 ? key : $"{path}.{key}";
}
