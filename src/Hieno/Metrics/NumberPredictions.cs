using System.Globalization;
using Hieno.Formats;

namespace Hieno.Metrics;

/// <summary>One or more numbers for each row: regression.</summary>
public sealed class NumberPredictions : Predictions
{
    private readonly double[][] _truth; // one array an output
    private readonly double[][] _predicted;

    private NumberPredictions(int count, double[][] truth, double[][] predicted, IReadOnlyList<string>? outputs)
    {
        (Count, _truth, _predicted, Outputs) = (count, truth, predicted, outputs);
    }

    /// <summary>Wraps numbers of several outputs.</summary>
    /// <param name="truth">Right numbers, shape [N, K].</param>
    /// <param name="predicted">Predicted numbers, shape [N, K].</param>
    /// <param name="outputs">Names of the K outputs, or null.</param>
    /// <exception cref="ArgumentException">The extents do not fit each other.</exception>
    /// <exception cref="MetricException">A number is NaN or infinite.</exception>
    public NumberPredictions(double[,] truth, double[,] predicted, IReadOnlyList<string>? outputs = null)
    {
        ArgumentNullException.ThrowIfNull(truth);
        ArgumentNullException.ThrowIfNull(predicted);
        (int rows, int count) = (truth.GetLength(0), truth.GetLength(1));
        if (count == 0 || predicted.GetLength(0) != rows || predicted.GetLength(1) != count)
        {
            throw new ArgumentException(
                $"NumberPredictions: truth is [{rows}, {count}], the prediction [{predicted.GetLength(0)}, {predicted.GetLength(1)}]. "
                + "Give both the same extents, and at least one output.", nameof(predicted));
        }

        if (outputs is not null && outputs.Count != count)
        {
            throw new ArgumentException($"NumberPredictions: {count} outputs and {outputs.Count} names. Give one name for each output.", nameof(outputs));
        }

        (Count, Outputs) = (rows, outputs);
        _truth = Columns(truth, "right number");
        _predicted = Columns(predicted, "prediction");
    }

    /// <summary>Wraps numbers of one output.</summary>
    /// <param name="truth">Right numbers, shape [N].</param>
    /// <param name="predicted">Predicted numbers, shape [N].</param>
    public NumberPredictions(double[] truth, double[] predicted)
        : this(AsColumn(truth), AsColumn(predicted))
    {
    }

    /// <inheritdoc/>
    public override int Count { get; }

    /// <summary>Number of outputs, K.</summary>
    public int OutputCount => _truth.Length;

    /// <summary>The names of the outputs, or null where they have none.</summary>
    public IReadOnlyList<string>? Outputs { get; }

    /// <summary>The name of an output: its index where outputs have no names.</summary>
    public string NameOf(int output) => Outputs is null ? output.ToString(CultureInfo.InvariantCulture) : Outputs[output];

    /// <summary>The right numbers of an output, shape [N].</summary>
    public ReadOnlySpan<double> Truth(int output) => _truth[output];

    /// <summary>The predicted numbers of an output, shape [N].</summary>
    public ReadOnlySpan<double> Predicted(int output) => _predicted[output];

    /// <summary>One output alone.</summary>
    public NumberPredictions Output(int output) =>
        new(Count, [_truth[output]], [_predicted[output]], Outputs is null ? null : [Outputs[output]]);

    /// <inheritdoc/>
    protected override Predictions SelectRows(ReadOnlySpan<int> rows)
    {
        var truth = new double[OutputCount][];
        var predicted = new double[OutputCount][];
        for (int k = 0; k < OutputCount; k++)
        {
            (truth[k], predicted[k]) = (Pick(_truth[k], rows), Pick(_predicted[k], rows));
        }

        return new NumberPredictions(rows.Length, truth, predicted, Outputs);
    }

    private static double[][] Columns(double[,] values, string what)
    {
        var columns = new double[values.GetLength(1)][];
        for (int k = 0; k < columns.Length; k++)
        {
            columns[k] = new double[values.GetLength(0)];
            for (int row = 0; row < columns[k].Length; row++)
            {
                double value = values[row, k];
                if (!double.IsFinite(value))
                {
                    throw new MetricException(
                        ErrorCodes.MetricNotFinite, "NumberPredictions",
                        string.Create(CultureInfo.InvariantCulture, $"the {what} of row {row}, output {k} is {value}"),
                        "Look at that row, and at the training loss before it");
                }

                columns[k][row] = value;
            }
        }

        return columns;
    }

    private static double[,] AsColumn(double[] values)
    {
        ArgumentNullException.ThrowIfNull(values);
        var column = new double[values.Length, 1];
        for (int row = 0; row < values.Length; row++)
        {
            column[row, 0] = values[row];
        }

        return column;
    }
}
