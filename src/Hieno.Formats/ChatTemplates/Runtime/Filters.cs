using System.Collections.Frozen;

namespace Hieno.Formats.ChatTemplates.Runtime;

/// <summary>A filter: <c>value|name(arguments)</c>.</summary>
internal delegate object? Filter(Evaluator evaluator, object? value, BoundArguments arguments);

/// <summary>All filters by name.</summary>
internal static class Filters
{
    private static readonly FrozenDictionary<string, Entry> ByName = new Dictionary<string, Entry>(StringComparer.Ordinal)
    {
        ["abs"] = new(NumberFilters.Abs),
        ["attr"] = new(SequenceFilters.Attr, ["name"], Required: 1),
        ["batch"] = new(SequenceFilters.Batch, ["linecount", "fill_with"], Required: 1),
        ["capitalize"] = new(TextFilters.Capitalize),
        ["center"] = new(TextFilters.Center, ["width"]),
        ["count"] = new(SequenceFilters.Length),
        ["d"] = new(SequenceFilters.Default, ["default_value", "boolean"]),
        ["default"] = new(SequenceFilters.Default, ["default_value", "boolean"]),
        ["dictsort"] = new(SequenceFilters.DictSort, ["case_sensitive", "by", "reverse"]),
        ["first"] = new(SequenceFilters.First),
        ["float"] = new(NumberFilters.Float, ["default"]),
        ["indent"] = new(TextFilters.Indent, ["width", "first", "blank"]),
        ["int"] = new(NumberFilters.Int, ["default", "base"]),
        ["items"] = new(SequenceFilters.Items),
        ["join"] = new(SequenceFilters.Join, ["d", "attribute"]),
        ["last"] = new(SequenceFilters.Last),
        ["length"] = new(SequenceFilters.Length),
        ["list"] = new(SequenceFilters.List),
        ["lower"] = new(TextFilters.Lower),
        ["max"] = new(SequenceFilters.Max, ["case_sensitive", "attribute"]),
        ["min"] = new(SequenceFilters.Min, ["case_sensitive", "attribute"]),
        ["replace"] = new(TextFilters.Replace, ["old", "new", "count"], Required: 2),
        ["reverse"] = new(SequenceFilters.Reverse),
        ["round"] = new(NumberFilters.Round, ["precision", "method"]),
        ["safe"] = new(TextFilters.String), // nothing is escaped in chat templates, so every text is safe
        ["sort"] = new(SequenceFilters.Sort, ["reverse", "case_sensitive", "attribute"]),
        ["string"] = new(TextFilters.String),
        ["sum"] = new(SequenceFilters.Sum, ["attribute", "start"]),
        ["title"] = new(TextFilters.Title),
        ["tojson"] = new(TextFilters.ToJson, ["ensure_ascii", "indent", "separators", "sort_keys"]),
        ["trim"] = new(TextFilters.Trim, ["chars"]),
        ["unique"] = new(SequenceFilters.Unique, ["case_sensitive", "attribute"]),
        ["upper"] = new(TextFilters.Upper),
        ["wordcount"] = new(TextFilters.WordCount),
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>Applies the filter of that name.</summary>
    /// <exception cref="TemplateFault">There is no such filter, or it refuses the value or the arguments.</exception>
    public static object? Apply(Evaluator evaluator, string name, object? value, Arguments arguments)
    {
        evaluator.Budget.Work();
        if (value is string text)
        {
            evaluator.Budget.Read(text.Length);
        }

        // These take the name of another filter or test with all its arguments, so that they have no parameters of their own.
        switch (name)
        {
            case "map": return Selection.Map(evaluator, value, arguments);
            case "select": return Selection.Select(evaluator, value, arguments, byAttribute: false, keeps: true);
            case "reject": return Selection.Select(evaluator, value, arguments, byAttribute: false, keeps: false);
            case "selectattr": return Selection.Select(evaluator, value, arguments, byAttribute: true, keeps: true);
            case "rejectattr": return Selection.Select(evaluator, value, arguments, byAttribute: true, keeps: false);
            case "format": return Selection.Format(evaluator, value, arguments);
        }

        return ByName.TryGetValue(name, out var entry)
            ? entry.Body(evaluator, value, arguments.Bind($"filter '{name}'", entry.Required, entry.Parameters ?? []))
            : throw TemplateFault.Evaluation($"there is no filter '{name}'");
    }

    private sealed record Entry(Filter Body, string[]? Parameters = null, int Required = 0);
}
