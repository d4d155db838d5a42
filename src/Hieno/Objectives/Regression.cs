using System.Text.Json;
using System.Text.Json.Nodes;
using Hieno.Data;
using Hieno.Formats;
using Hieno.Formats.Text;
using Hieno.Metrics;
using Hieno.Models;
using Hieno.Tensors;

namespace Hieno.Objectives;

/// <summary>Predicting a number for each row, or several. Has no settings.</summary>
public sealed record RegressionOptions : ObjectiveOptions
{
    /// <inheritdoc/>
    public override IObjective Create() => new Regression();
}

/// <summary>Predicting a number for each picture, or several. Has no settings.</summary>
public sealed record ImageRegressionOptions : ObjectiveOptions
{
    /// <inheritdoc/>
    public override IObjective Create() => new Regression(new PictureReader());
}

/// <summary>Predicting a number for each row, or several: mean squared error.</summary>
public sealed class Regression : RowModeling
{
    private int _outputs = 1;

    /// <summary>Learns numbers of texts.</summary>
    public Regression()
    {
    }

    internal Regression(RowReader reader)
        : base(reader)
    {
    }

    /// <inheritdoc/>
    public override HeadChoice Head => new(Reader.Head, _outputs);

    /// <inheritdoc/>
    public override IReadOnlyList<string> DefaultMetrics => ["mse", "mae", "r2"];

    /// <inheritdoc/>
    public override void Prepare(ObjectiveContext context, IReadOnlyList<DataRow> train)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(train);
        base.Prepare(context, train);
        _outputs = train.Count == 0 ? context.Config.GetLabels()?.Count ?? 1 : CountIn(train);
    }

    /// <inheritdoc/>
    public override double TargetWeight(Batch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        return (double)batch.Examples.Count * _outputs;
    }

    /// <inheritdoc/>
    public override Tensor Loss(PretrainedModel model, Batch batch, float scale)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(batch);
        float[] targets = [.. TargetsOf(batch).SelectMany(numbers => numbers)];
        return model.LossOfRows(batch, scale, (numbers, factor) => Ops.MeanSquaredError(numbers, targets, null, factor));
    }

    /// <inheritdoc/>
    public override IPredictionCollector Collect() => new RowCollector((examples, predicted) =>
    {
        double[,] truth = new double[examples.Count, _outputs];
        double[,] numbers = new double[examples.Count, _outputs];
        for (int row = 0; row < examples.Count; row++)
        {
            for (int i = 0; i < _outputs; i++)
            {
                truth[row, i] = examples[row].Targets![i];
                numbers[row, i] = predicted[row, i];
            }
        }

        return new NumberPredictions(truth, numbers);
    });

    /// <inheritdoc/>
    public override void Describe(JsonObject config)
    {
        ArgumentNullException.ThrowIfNull(config);
        new LabelSet([.. Enumerable.Range(0, _outputs).Select(i => $"LABEL_{i}")]).Describe(config, "regression");
    }

    /// <inheritdoc/>
    protected override Example Label(DataRow row, Example example)
    {
        ArgumentNullException.ThrowIfNull(example);
        float[] targets = NumbersOf(row);
        return targets.Length == _outputs
            ? example with { Targets = targets }
            : throw row.Error(ErrorCodes.DatasetRowInvalid, $"there are {targets.Length} numbers to predict, other rows have {_outputs}", "Give each row as many");
    }

    private static IEnumerable<float[]> TargetsOf(Batch batch)
    {
        float[][] targets = [.. batch.Examples.Select(example => example.Targets!)];
        return batch.Mix?.Targets(targets) ?? targets;
    }

    // A row whose numbers cannot be read is reported when it is encoded, with all others.
    private int CountIn(IReadOnlyList<DataRow> rows)
    {
        foreach (DataRow row in rows)
        {
            try
            {
                return NumbersOf(row).Length;
            }
            catch (DatasetException) when (row != rows[^1])
            {
            }
        }

        return 1;
    }

    private float[] NumbersOf(DataRow row)
    {
        ArgumentNullException.ThrowIfNull(row);
        string column = LabelColumn(row);
        JsonElement value = row.Require(column);
        float[] numbers = value.ValueKind == JsonValueKind.Array
            ? [.. value.EnumerateArray().Select(item => item.ValueKind == JsonValueKind.Number ? item.GetSingle() : float.NaN)]
            : [(float)row.Number(column)];
        return numbers.Length > 0 && Array.TrueForAll(numbers, float.IsFinite)
            ? numbers
            : throw row.Error(ErrorCodes.DatasetColumnType, $"'{column}' is not a finite number", "Give a number for each row");
    }
}
