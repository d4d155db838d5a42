using System.Collections;
using Hieno.Formats;
using static Hieno.Recipes.BindingFaults;

namespace Hieno.Recipes;

// Binds one recipe. A fault is noted and binding goes on, so that all are found; the record is handed out only when there is none.
internal sealed class BindingRun(Type rootType, KindCatalog catalog, BindingFaults faults)
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
                faults.NotInside(inside, path, model);
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
            faults.OutOfRange(limit, node, path);
        }

        return faults.Count == before;
    }

    private object? BindScalar(ScalarModel model, RecipeNode node, string path)
    {
        if (node is not ScalarNode scalar)
        {
            faults.WrongType(model.Expected, node, path);
            return null;
        }

        // A flag without a value is only a truth value: '--training.packing' means true.
        if (scalar.Form == ScalarForm.Flag && model is TruthModel)
        {
            return true;
        }

        bool quoted = scalar.Form == ScalarForm.Quoted;
        if (scalar.Form is ScalarForm.Plain or ScalarForm.Quoted && model.TryRead(scalar.Text, quoted, out object? value))
        {
            return value;
        }

        string advice = scalar.Form switch
        {
            ScalarForm.Null => " Give a value, or remove the key to have the default.",
            ScalarForm.Quoted when model.TryRead(scalar.Text, quoted: false, out _) => " Remove the quotes.",
            _ => model.AdviceOn(scalar.Text),
        };
        faults.WrongType(scalar.Form == ScalarForm.Plain ? model.ExpectedFor(scalar.Text) : model.Expected, node, path, advice);
        return null;
    }

    private object? BindList(ListModel model, RecipeNode node, string path)
    {
        if (node is ScalarNode { Form: ScalarForm.Null or ScalarForm.Flag })
        {
            faults.WrongType(model.Expected, node, path, " Give a value, or remove the key to have the default.");
            return null;
        }

        if (node is MapNode && model.Element is ScalarModel)
        {
            faults.WrongType(model.Expected, node, path);
            return null;
        }

        // 'targets: q_proj' is short for 'targets: [q_proj]'.
        IReadOnlyList<RecipeNode> items = node is ListNode list ? list.Items : [node];
        if (node.Position.IsCommandLine)
        {
            items = [.. items.SelectMany(SplitFlag)];
        }

        bool single = items.Count == 1 && node is not ListNode;
        var values = new List<object?>(items.Count);
        for (int i = 0; i < items.Count; i++)
        {
            if (TryBind(model.Element, items[i], single ? path : $"{path}[{i}]", null, out object? value))
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
            return scalar.Text.Length == 0
                ? []
                : scalar.Text.Split(',', StringSplitOptions.TrimEntries).Select(t => new ScalarNode(t, ScalarForm.Plain, scalar.Position));
        }

        try
        {
            var tree = RecipeFile.ParseTree("flag: " + scalar.Text, scalar.Position.File, RecipeFormat.Yaml);
            return tree.Entries is [{ Value: ListNode list }] ? list.Items.Select(i => RecipeOverrides.MoveTo(i, scalar.Position)) : [node];
        }
        catch (RecipeException e)
        {
            faults.Add(ErrorCodes.RecipeOverrideInvalid, scalar.Position, "",
                $"'{Quote.Clip(scalar.Text)}' is not a list: {e.Faults[0].Message}");
            return [];
        }
    }

    private object? BindTable(TableModel model, RecipeNode node, string path)
    {
        if (node is not MapNode map)
        {
            faults.WrongType(model.Expected, node, path, " Write 'name: value' lines under it.");
            return null;
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
            return BindRecord(record, map, path, initial);
        }

        RecipeNode written = node is MapNode { ShortFor: { } scalar } ? scalar : node;
        string keys = string.Join(", ", record.Settings.Select(s => s.Key));
        string advice = written.Position.IsCommandLine ? $" Its settings: {keys}." : $" Write its settings under it: {keys}.";
        faults.WrongType(model.Expected, written, path, advice);
        return null;
    }

    private object? BindKind(KindsModel model, RecipeNode node, string path, object? initial)
    {
        string[] names = [.. model.Kinds.Select(k => k.Key)];
        if (node is not (MapNode or ScalarNode { Form: ScalarForm.Plain or ScalarForm.Quoted }))
        {
            faults.WrongType(model.Expected, node, path);
            return null;
        }

        // 'schedule: cosine' is short for 'schedule: { kind: cosine }'. Where no kind is said, that of the default is meant.
        var map = node as MapNode ?? new MapNode([], node.Position);
        var kind = node is MapNode ? map.Find(MapNode.KindKey)?.Value : node;
        if (kind is null && initial is null)
        {
            faults.KindMissing(node.Position, path, names);
            return null;
        }

        var type = kind is null ? initial!.GetType() : TypeOf(model, kind);
        if (type is null)
        {
            faults.KindUnknown(kind!, path, names);
            return null;
        }

        // A flag that changes the kind leaves the file's settings of the former kind without a meaning: they are dropped, with a note.
        var former = kind is { Position.IsCommandLine: true } ? (kind.Replaced is { } old ? TypeOf(model, old) : initial?.GetType()) : null;
        return BindRecord(
            catalog.ModelOf(type),
            map,
            path,
            initial?.GetType() == type ? initial : null,
            catalog.KindOf(model.BaseType, type),
            former is null || former == type ? null : catalog.ModelOf(former));
    }

    private Type? TypeOf(KindsModel model, RecipeNode kind) =>
        kind is ScalarNode { Form: ScalarForm.Plain or ScalarForm.Quoted } word ? catalog.Find(model.BaseType, word.Text) : null;

    // kind: the record's kind, or null when its group has none. former: the kind that a flag replaced.
    private object BindRecord(
        RecordModel model, MapNode map, string path, object? initial, string? kind = null, RecordModel? former = null)
    {
        int before = faults.Count;
        object record = initial is null ? model.Create() : model.CopyOf(initial);
        var given = MatchKeys(model, map, path, kind, former);
        foreach (var setting in model.Settings)
        {
            string settingPath = Join(path, setting.Key);
            bool isUnset = initial is null && setting.IsRequired;
            object? value = isUnset ? null : setting.Get(record);
            if (given.TryGetValue(setting, out var node))
            {
                if (TryBind(setting.Value, node, settingPath, value, out value))
                {
                    setting.Set(record, value);
                }
            }
            else if (isUnset)
            {
                faults.Missing(map.Position, settingPath);
            }
            else if (value is not null)
            {
                setting.Set(record, Complete(setting.Value, value, map.Position, settingPath));
            }
        }

        // Rules across settings are only asked once each setting is right by itself.
        if (faults.Count == before && record is IValidated validated)
        {
            foreach (string message in validated.Validate())
            {
                faults.Conflict(model, map, path, message);
            }
        }

        return record;
    }

    private Dictionary<SettingModel, RecipeNode> MatchKeys(RecordModel model, MapNode map, string path, string? kind, RecordModel? former)
    {
        var given = new Dictionary<SettingModel, RecipeNode>();
        foreach (var entry in map.Entries)
        {
            if (kind is not null && string.Equals(entry.Key, MapNode.KindKey, StringComparison.Ordinal))
            {
                continue;
            }

            if (model.Find(entry.Key, entry.Position.IsCommandLine) is { } setting)
            {
                given[setting] = entry.Value;
            }
            else if (former?.Find(entry.Key, isFlag: false) is not null && !entry.Position.IsCommandLine)
            {
                _notes.Add($"{entry.Position}: '{Join(path, entry.Key)}' is left out, because {kind} has no such setting.");
            }
            else
            {
                faults.UnknownKey(model, entry, path, kind);
            }
        }

        return given;
    }

    // A default passes the same rules as what is written, and its lists are made to compare by value.
    private object Complete(ValueModel model, object value, RecipePosition position, string path)
    {
        var nothing = new MapNode([], position);
        return model switch
        {
            GroupModel group => BindRecord(catalog.ModelOf(group.Type), nothing, path, value),
            KindsModel kinds =>
                BindRecord(catalog.ModelOf(value.GetType()), nothing, path, value, catalog.KindOf(kinds.BaseType, value.GetType())),
            ListModel list => list.Build([.. ((IEnumerable)value).Cast<object?>()]),
            TableModel table => table.Build(table.EntriesOf(value)),
            _ => value,
        };
    }
}
