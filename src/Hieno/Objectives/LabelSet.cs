using System.Text.Json;
using System.Text.Json.Nodes;
using Hieno.Formats;
using Hieno.Formats.Text;

namespace Hieno.Objectives;

/// <summary>The labels of a classifier, in the order of its outputs.</summary>
public sealed class LabelSet
{
    private readonly Dictionary<string, int> _index;

    /// <summary>Takes the labels in this order.</summary>
    public LabelSet(IReadOnlyList<string> names)
    {
        ArgumentNullException.ThrowIfNull(names);
        Names = names;
        _index = names.Select((name, i) => (name, i)).ToDictionary(pair => pair.name, pair => pair.i, StringComparer.Ordinal);
    }

    /// <summary>The names.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>How many there are.</summary>
    public int Count => Names.Count;

    /// <summary>All labels that occur in <paramref name="rows"/>: numbers in order of size, names in alphabetical order.</summary>
    /// <param name="rows">The training rows.</param>
    /// <param name="labelsOf">The labels of one row.</param>
    public static LabelSet FromRows(IEnumerable<DataRow> rows, Func<DataRow, IEnumerable<string>> labelsOf)
    {
        string[] names = [.. rows.SelectMany(labelsOf).Distinct(StringComparer.Ordinal)];
        bool numbers = Array.TrueForAll(names, name => long.TryParse(name, System.Globalization.CultureInfo.InvariantCulture, out _));
        return new LabelSet(numbers
            ? [.. names.OrderBy(name => long.Parse(name, System.Globalization.CultureInfo.InvariantCulture))]
            : [.. names.Order(StringComparer.Ordinal)]);
    }

    /// <summary>The labels of a model that was tuned as a classifier, in the order of its outputs.</summary>
    /// <exception cref="CheckpointException">Its configuration names none, or one of them twice.</exception>
    public static LabelSet FromConfig(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        IReadOnlyList<string> names = config.GetLabels() ?? throw new CheckpointException(
            ErrorCodes.CheckpointConfigKeyMissing, config.Path, "there are no label names ('id2label')", "Evaluate a model that was tuned as a classifier");
        return names.Distinct(StringComparer.Ordinal).Count() == names.Count
            ? new LabelSet(names)
            : throw config.Error("id2label", "names a label twice", "Give each label a name of its own");
    }

    /// <summary>
    /// The labels to train on. Where the base model is a classifier that knows all labels of the rows, its own set and order are kept, so
    /// that what it has learned about them is kept as well.
    /// </summary>
    public static LabelSet ForTraining(IEnumerable<DataRow> rows, Func<DataRow, IEnumerable<string>> labelsOf, ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        LabelSet found = FromRows(rows, labelsOf);
        return config.GetLabels() is not null && FromConfig(config) is var known && found.Names.All(known._index.ContainsKey) ? known : found;
    }

    /// <summary>The index of a label.</summary>
    /// <exception cref="DatasetException">It did not occur in training; the message names the nearest that did.</exception>
    public int IndexOf(string label, DataRow row)
    {
        ArgumentNullException.ThrowIfNull(row);
        if (_index.TryGetValue(label, out int index))
        {
            return index;
        }

        string known = Count <= 12 ? string.Join(", ", Names) : $"{string.Join(", ", Names.Take(10))} and {Count - 10} more";
        throw row.Error(ErrorCodes.DatasetLabelUnknown, $"the label '{label}' does not occur in training. Known are {known}", "Correct the label, or add training rows that have it");
    }

    /// <summary>The text of a label cell: a text, or a number or truth value as it is written.</summary>
    /// <exception cref="DatasetException">It is none of these, or empty.</exception>
    public static string TextOf(DataRow row, string column)
    {
        ArgumentNullException.ThrowIfNull(row);
        JsonElement value = row.Require(column);
        string text = value.ValueKind switch
        {
            JsonValueKind.String => value.GetString()!.Trim(),
            JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False => value.GetRawText(),
            _ => throw row.Error(ErrorCodes.DatasetColumnType, $"'{column}' is neither a text nor a number", "Give one label for each row"),
        };
        return text.Length > 0 ? text : throw row.Error(ErrorCodes.DatasetRowInvalid, $"'{column}' is empty", "Give one label for each row");
    }

    /// <summary>Writes the names as <c>id2label</c> and <c>label2id</c>.</summary>
    public void Describe(JsonObject config, string problemType)
    {
        ArgumentNullException.ThrowIfNull(config);
        config["id2label"] = new JsonObject(Names.Select((name, i) => KeyValuePair.Create<string, JsonNode?>(i.ToString(System.Globalization.CultureInfo.InvariantCulture), name)));
        config["label2id"] = new JsonObject(Names.Select((name, i) => KeyValuePair.Create<string, JsonNode?>(name, i)));
        config["problem_type"] = problemType;
    }
}
