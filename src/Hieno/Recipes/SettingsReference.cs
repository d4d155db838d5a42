namespace Hieno.Recipes;

/// <summary>One setting of a recipe, as help and documentation show it.</summary>
/// <param name="Path">
/// The path of the key and flag, e.g. <c>tuning.rank</c>; <c>metrics[].order</c> lies inside a list, <c>columns.&lt;name&gt;</c> in a table.
/// </param>
/// <param name="Type">What its value must be, e.g. <c>a whole number</c>.</param>
/// <param name="IsRequired">True when it has no default.</param>
/// <param name="Default">Its default as written in a recipe; null when it is required or a group, whose settings have their own.</param>
/// <param name="Range">What its value must satisfy, e.g. <c>from 1 to 1024</c>; null when its type says it all.</param>
/// <param name="Kind">The kind of the group it belongs to, e.g. <c>lora</c>; null when the group has no kinds.</param>
/// <param name="Description">The summary of its documentation, or the reason why there is none, in parentheses.</param>
public sealed record SettingEntry(
    string Path, string Type, bool IsRequired, string? Default, string? Range, string? Kind, string Description);

/// <summary>One kind of a group of settings.</summary>
/// <param name="Path">The path of the group, e.g. <c>tuning</c>.</param>
/// <param name="Kind">The kind, e.g. <c>lora</c>.</param>
/// <param name="Description">The summary of its documentation, or the reason why there is none, in parentheses.</param>
public sealed record KindEntry(string Path, string Kind, string Description);

/// <summary>All settings of a recipe in one flat list, for <c>--help</c> and the documentation.</summary>
public sealed class SettingsReference
{
    private SettingsReference(IReadOnlyList<SettingEntry> settings, IReadOnlyList<KindEntry> kinds, IReadOnlyList<string> missing) =>
        (Settings, Kinds, MissingDocumentation) = (settings, kinds, missing);

    /// <summary>The settings, in declaration order, each group followed by what is inside it.</summary>
    public IReadOnlyList<SettingEntry> Settings { get; }

    /// <summary>The kinds of all groups that have kinds.</summary>
    public IReadOnlyList<KindEntry> Kinds { get; }

    /// <summary>XML documentation files that were not found, so that their descriptions are absent. Tell the user when there are any.</summary>
    public IReadOnlyList<string> MissingDocumentation { get; }

    /// <summary>Lists the settings of a record and of all kinds inside it.</summary>
    /// <typeparam name="T">The record of the whole recipe.</typeparam>
    /// <param name="catalog">The known kinds.</param>
    /// <returns>The list.</returns>
    /// <exception cref="InvalidOperationException">The record has a property that cannot be a setting.</exception>
    public static SettingsReference Of<T>(KindCatalog catalog)
        where T : class => Of(typeof(T), catalog, new XmlSummaries());

    internal static SettingsReference Of(Type root, KindCatalog catalog, XmlSummaries summaries)
    {
        var settings = new List<SettingEntry>();
        var kinds = new List<KindEntry>();
        foreach (var step in SettingWalk.Paths(root, catalog))
        {
            var model = step.Setting.Value;
            settings.Add(new SettingEntry(
                step.Path, model.Expected, !step.HasDefault, step.HasDefault ? DefaultOf(model, step.Default, catalog) : null,
                RangeOf(model), step.Kind, summaries.Of(step.Setting)));
            if (model.Innermost is KindsModel group)
            {
                kinds.AddRange(group.Kinds.Select(k => new KindEntry(step.Path, k.Key, summaries.Of(k.Value))));
            }
        }

        return new SettingsReference(settings, kinds, [.. summaries.Missing]);
    }

    private static string? DefaultOf(ValueModel model, object? value, KindCatalog catalog) => (model, value) switch
    {
        (_, null) => "null",
        (KindsModel kinds, _) => catalog.KindOf(kinds.BaseType, value.GetType()),
        (GroupModel, _) => null,
        _ => Flow(RecipeWriter.ToNode(model, value, catalog)),
    };

    private static string Flow(RecipeNode node) => node switch
    {
        ListNode list => $"[{string.Join(", ", list.Items.Select(Flow))}]",
        MapNode { Entries.Count: 0 } => "{}",
        MapNode map => $"{{ {string.Join(", ", map.Entries.Select(e => $"{e.Key}: {Flow(e.Value)}"))} }}",
        ScalarNode { Text: "" } => "\"\"",
        ScalarNode scalar => scalar.Text,
        _ => throw new NotSupportedException($"Recipe node {node.GetType().Name} is not known."),
    };

    // The limits of a list's elements are said with those of the list.
    private static string? RangeOf(ValueModel model)
    {
        var limits = model.Limits.Select(l => l.Expected).ToList();
        if (model is ListModel or TableModel && model.Innermost.Limits is { Count: > 0 } inner)
        {
            limits.Add("each " + string.Join(", ", inner.Select(l => l.Expected)));
        }

        return limits.Count == 0 ? null : string.Join("; ", limits);
    }
}
