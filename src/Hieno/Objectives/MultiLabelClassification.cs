using System.Text.Json;
using System.Text.Json.Nodes;
using Hieno.Data;
using Hieno.Formats;
using Hieno.Formats.Text;
using Hieno.Metrics;
using Hieno.Models;
using Hieno.Tensors;

namespace Hieno.Objectives;

/// <summary>Any number of labels for each row. Has no settings.</summary>
public sealed record MultiLabelClassificationOptions : ObjectiveOptions
{
    /// <inheritdoc/>
    public override IObjective Create() => new MultiLabelClassification();
}

/// <summary>Any number of labels for each row: one yes-or-no question for each label, by binary cross-entropy.</summary>
public sealed class MultiLabelClassification : RowModeling
{
    private LabelSet _labels = new([]);

    /// <inheritdoc/>
    public override HeadChoice Head => HeadChoice.Classification(_labels.Count);

    /// <inheritdoc/>
    public override IReadOnlyList<string> DefaultMetrics => ["micro-f1", "macro-f1"];

    /// <inheritdoc/>
    public override void Prepare(ObjectiveContext context, IReadOnlyList<DataRow> train)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(train);
        base.Prepare(context, train);
        _labels = train.Count > 0 ? LabelSet.ForTraining(train, LabelsIfAny, context.Config) : LabelSet.FromConfig(context.Config);
        if (_labels.Count == 0)
        {
            throw new DatasetException(ErrorCodes.DatasetRowInvalid, train.Count > 0 ? train[0].File : context.Config.Path, 0, 0, "no row has a label", "Give each row a list of labels; the list may be empty for some");
        }
    }

    /// <inheritdoc/>
    public override double TargetWeight(Batch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        return (double)batch.Examples.Count * _labels.Count;
    }

    /// <inheritdoc/>
    public override Tensor Loss(PretrainedModel model, Batch batch, float scale)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(batch);
        float[] targets = [.. batch.Examples.SelectMany(example => example.Targets!)];
        return model.LossOfRows(batch, scale, (logits, factor) => Ops.BinaryCrossEntropy(logits, targets, null, factor));
    }

    /// <inheritdoc/>
    public override IPredictionCollector Collect() => new RowCollector((examples, logits) =>
    {
        bool[,] truth = new bool[examples.Count, _labels.Count];
        for (int row = 0; row < examples.Count; row++)
        {
            for (int label = 0; label < _labels.Count; label++)
            {
                truth[row, label] = examples[row].Targets![label] > 0.5f;
            }
        }

        return MultiLabelPredictions.FromScores(truth, logits, threshold: 0, _labels.Names);
    });

    /// <inheritdoc/>
    public override void Describe(JsonObject config) => _labels.Describe(config, "multi_label_classification");

    /// <inheritdoc/>
    protected override Example Label(DataRow row, Example example)
    {
        ArgumentNullException.ThrowIfNull(example);
        float[] targets = new float[_labels.Count];
        foreach (string label in LabelsOf(row))
        {
            targets[_labels.IndexOf(label, row)] = 1f;
        }

        return example with { Targets = targets };
    }

    // A row whose labels cannot be read is reported when it is encoded, with all others.
    private string[] LabelsIfAny(DataRow row)
    {
        try
        {
            return LabelsOf(row);
        }
        catch (DatasetException)
        {
            return [];
        }
    }

    private static string TextOf(DataRow row, string column, JsonElement item) => item.ValueKind switch
    {
        JsonValueKind.String when item.GetString()!.Trim() is { Length: > 0 } text => text,
        JsonValueKind.Number => item.GetRawText(),
        _ => throw row.Error(ErrorCodes.DatasetColumnType, $"'{column}' holds {item.GetRawText()}, which is no label", "Give a list of texts or numbers"),
    };

    // A list, or texts between commas, semicolons or bars.
    private string[] LabelsOf(DataRow row)
    {
        string column = LabelColumn(row);
        JsonElement value = row.Require(column);
        return value.ValueKind switch
        {
            JsonValueKind.Array => [.. value.EnumerateArray().Select(item => TextOf(row, column, item))],
            JsonValueKind.String => value.GetString()!.Split([',', ';', '|'], StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries),
            JsonValueKind.Number => [value.GetRawText()],
            JsonValueKind.Null => [],
            _ => throw row.Error(ErrorCodes.DatasetColumnType, $"'{column}' is not a list of labels", "Give a list, or labels between commas"),
        };
    }
}
