using System.Globalization;
using System.Text;
using System.Text.Json.Serialization;
using Hieno.Formats.Images;

namespace Hieno.Metrics;

/// <summary>By what the cells of a <see cref="ConfusionMatrix"/> are divided.</summary>
public enum ConfusionNormalization
{
    /// <summary>By nothing: numbers of rows.</summary>
    None,

    /// <summary>By the sum of their row: where the rows of each right label went; the diagonal is the recall.</summary>
    Truth,

    /// <summary>By the sum of their column: what the predictions of each label really were; the diagonal is the precision.</summary>
    Prediction,
}

/// <summary>How often each right label (row) was predicted as each label (column).</summary>
public sealed class ConfusionMatrix
{
    private const int MostLabelsOfAPicture = 100;

    private readonly long[][] _counts;

    private ConfusionMatrix(string[] labels, long[][] counts) => (Labels, _counts) = (labels, counts);

    /// <summary>The labels, in the order of rows and columns.</summary>
    public IReadOnlyList<string> Labels { get; }

    /// <summary>The cells, one list for each right label.</summary>
    public IReadOnlyList<IReadOnlyList<long>> Rows => _counts;

    /// <summary>Number of rows of data that were counted.</summary>
    [JsonIgnore]
    public long Total => _counts.Sum(row => row.Sum());

    /// <summary>How often the label at <paramref name="truth"/> was predicted as the one at <paramref name="predicted"/>.</summary>
    public long this[int truth, int predicted] => _counts[truth][predicted];

    /// <summary>Counts over all rows, for the listed labels: see <see cref="ClassPredictions.ListedLabels"/>.</summary>
    public static ConfusionMatrix Of(ClassPredictions predictions)
    {
        ArgumentNullException.ThrowIfNull(predictions);
        int[] listed = predictions.ListedLabels();
        var positionOf = new int[predictions.LabelCount];
        for (int i = 0; i < listed.Length; i++)
        {
            positionOf[listed[i]] = i;
        }

        long[][] counts = [.. listed.Select(_ => new long[listed.Length])];
        for (int row = 0; row < predictions.Count; row++)
        {
            counts[positionOf[predictions.Truth[row]]][positionOf[predictions.Predicted[row]]]++;
        }

        return new ConfusionMatrix([.. listed.Select(predictions.NameOf)], counts);
    }

    /// <summary>How often each label was right.</summary>
    public long[] TruthTotals() => [.. _counts.Select(row => row.Sum())];

    /// <summary>How often each label was predicted.</summary>
    public long[] PredictedTotals() => [.. Labels.Select((_, column) => _counts.Sum(row => row[column]))];

    /// <summary>The cells, divided as asked; cells of an empty row or column are 0.</summary>
    public double[,] Normalized(ConfusionNormalization by)
    {
        long[] truth = TruthTotals();
        long[] predicted = PredictedTotals();
        var cells = new double[Labels.Count, Labels.Count];
        for (int t = 0; t < Labels.Count; t++)
        {
            for (int p = 0; p < Labels.Count; p++)
            {
                long divisor = by switch { ConfusionNormalization.Truth => truth[t], ConfusionNormalization.Prediction => predicted[p], _ => 1 };
                cells[t, p] = divisor == 0 ? 0 : (double)_counts[t][p] / divisor;
            }
        }

        return cells;
    }

    /// <summary>A comma-separated table with a header line: the label names, then one line for each right label.</summary>
    public string ToCsv(ConfusionNormalization by = ConfusionNormalization.None)
    {
        var csv = new StringBuilder("truth \\ predicted");
        foreach (string label in Labels)
        {
            csv.Append(',').Append(Quoted(label));
        }

        csv.Append('\n');
        double[,] cells = Normalized(by);
        for (int t = 0; t < Labels.Count; t++)
        {
            csv.Append(Quoted(Labels[t]));
            for (int p = 0; p < Labels.Count; p++)
            {
                csv.Append(',').Append(cells[t, p].ToString("R", CultureInfo.InvariantCulture));
            }

            csv.Append('\n');
        }

        return csv.ToString();
    }

    /// <summary>An aligned table for people to read.</summary>
    public string ToText(ConfusionNormalization by = ConfusionNormalization.None)
    {
        var table = new TextTable(["truth \\ predicted", .. Labels]);
        double[,] cells = Normalized(by);
        for (int t = 0; t < Labels.Count; t++)
        {
            table.Add([Labels[t], .. Enumerable.Range(0, Labels.Count).Select(p => Shown(cells[t, p], by))]);
        }

        return table.ToString();
    }

    /// <summary>A heat map, each cell shaded by its share of the right label's rows.</summary>
    /// <param name="by">What the numbers in the cells are divided by.</param>
    /// <returns>A self-contained SVG document.</returns>
    /// <exception cref="InvalidOperationException">There are more than 100 labels.</exception>
    public string ToSvg(ConfusionNormalization by = ConfusionNormalization.None)
    {
        ThrowIfTooLarge();
        double[,] cells = Normalized(by);
        return HeatMap.ToSvg(Labels, Normalized(ConfusionNormalization.Truth), (t, p) => Shown(cells[t, p], by));
    }

    /// <summary>The same heat map as a picture, which PNG holds.</summary>
    /// <param name="by">What the numbers in the cells are divided by.</param>
    /// <exception cref="InvalidOperationException">There are more than 100 labels.</exception>
    public Image ToImage(ConfusionNormalization by = ConfusionNormalization.None)
    {
        ThrowIfTooLarge();
        double[,] cells = Normalized(by);
        return HeatMapPicture.Draw(Labels, Normalized(ConfusionNormalization.Truth), (t, p) => Shown(cells[t, p], by));
    }

    private void ThrowIfTooLarge()
    {
        if (Labels.Count > MostLabelsOfAPicture)
        {
            throw new InvalidOperationException(
                $"ConfusionMatrix: a heat map of {Labels.Count} labels cannot be read; {MostLabelsOfAPicture} is the most. Write it as CSV.");
        }
    }

    private static string Shown(double cell, ConfusionNormalization by) =>
        cell.ToString(by == ConfusionNormalization.None ? "F0" : "F3", CultureInfo.InvariantCulture);

    private static string Quoted(string field) =>
        field.AsSpan().IndexOfAny(",\"\r\n") < 0 ? field : $"\"{field.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}
