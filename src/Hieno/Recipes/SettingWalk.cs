namespace Hieno.Recipes;

// Lists every setting of a record type and of all kinds below it.
internal static class SettingWalk
{
    /// <summary>A setting and its path; Kind is the kind of the group it belongs to, Default its value in a new record.</summary>
    public readonly record struct Step(string Path, SettingModel Setting, string? Kind, bool HasDefault, object? Default);

    public static IEnumerable<Step> Paths(Type root, KindCatalog catalog) =>
        catalog.KindsOf(root) is { Count: > 0 } kinds
            ? kinds.SelectMany(k => Group(catalog.ModelOf(k.Value), "", k.Key, null, catalog, []))
            : Group(catalog.ModelOf(root), "", null, null, catalog, []);

    // open: the record types that contain this one. A type inside itself (a list of sub-objectives) is listed once and not entered again.
    private static IEnumerable<Step> Group(
        RecordModel model, string path, string? kind, object? defaults, KindCatalog catalog, Type[] open)
    {
        if (open.Contains(model.Type))
        {
            yield break;
        }

        object record = defaults ?? model.Create();
        foreach (var setting in model.Settings)
        {
            bool hasDefault = defaults is not null || !setting.IsRequired;
            object? value = hasDefault ? setting.Get(record) : null;
            string settingPath = path.Length == 0 ? setting.Key : $"{path}.{setting.Key}";
            yield return new Step(settingPath, setting, kind, hasDefault, value);
            foreach (var inner in Inside(setting.Value, settingPath, value, catalog, [.. open, model.Type]))
            {
                yield return inner;
            }
        }
    }

    private static IEnumerable<Step> Inside(ValueModel model, string path, object? value, KindCatalog catalog, Type[] open) => model switch
    {
        GroupModel group => Group(catalog.ModelOf(group.Type), path, null, value, catalog, open),
        KindsModel kinds => kinds.Kinds.SelectMany(k =>
            Group(catalog.ModelOf(k.Value), path, k.Key, value?.GetType() == k.Value ? value : null, catalog, open)),
        ListModel list => Inside(list.Element, path + "[]", null, catalog, open),
        TableModel table => Inside(table.Element, path + ".<name>", null, catalog, open),
        _ => [],
    };
}
