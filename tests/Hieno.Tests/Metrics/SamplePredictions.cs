using Hieno.Metrics;
using Hieno.Tensors;

namespace Hieno.Tests.Metrics;

// Random predictions for properties that hold for any of them.
internal static class SamplePredictions
{
    public static ClassPredictions Classes(int rows, int labels, ulong seed, bool named = false)
    {
        var rng = new Rng(seed, RngStream.Sampling);
        var truth = new int[rows];
        var logits = new float[rows, labels];
        for (int row = 0; row < rows; row++)
        {
            truth[row] = rng.Below(labels, 1, (ulong)row);
            for (int k = 0; k < labels; k++)
            {
                // Rounded to halves, so that ties occur; the right label is favoured, so that the metrics are not those of chance.
                float noise = MathF.Round(8 * rng.Uniform(2, (ulong)((row * labels) + k))) / 2;
                logits[row, k] = noise + (k == truth[row] ? 1 : 0);
            }
        }

        return ClassPredictions.FromLogits(truth, logits, named ? [.. Enumerable.Range(0, labels).Select(k => $"label {k}")] : null);
    }

    public static MultiLabelPredictions MultiLabels(int rows, int labels, ulong seed)
    {
        var rng = new Rng(seed, RngStream.Sampling);
        var truth = new bool[rows, labels];
        var scores = new float[rows, labels];
        for (int row = 0; row < rows; row++)
        {
            for (int k = 0; k < labels; k++)
            {
                ulong position = (ulong)((row * labels) + k);
                truth[row, k] = rng.Uniform(3, position) < 0.4f;
                scores[row, k] = (MathF.Round(8 * rng.Uniform(4, position)) / 4) - 1 + (truth[row, k] ? 0.5f : -0.25f);
            }
        }

        return MultiLabelPredictions.FromScores(truth, scores);
    }

    public static NumberPredictions Numbers(int rows, int outputs, ulong seed)
    {
        var rng = new Rng(seed, RngStream.Sampling);
        var truth = new double[rows, outputs];
        var predicted = new double[rows, outputs];
        for (int row = 0; row < rows; row++)
        {
            for (int k = 0; k < outputs; k++)
            {
                ulong position = (ulong)((row * outputs) + k);
                truth[row, k] = Math.Round(10 * rng.Uniform(5, position)) - 3;
                predicted[row, k] = truth[row, k] + Math.Round(4 * rng.Uniform(6, position)) - 1.5;
            }
        }

        return new NumberPredictions(truth, predicted);
    }

    public static TokenPredictions Tokens(int rows, ulong seed)
    {
        var rng = new Rng(seed, RngStream.Sampling);
        long[] tokens = [.. Enumerable.Range(0, rows).Select(row => 1L + rng.Below(20, 7, (ulong)row))];
        return new TokenPredictions(
            [.. tokens.Select((n, row) => n * 3.0 * rng.Uniform(8, (ulong)row))],
            tokens,
            [.. tokens.Select((n, row) => (long)rng.Below((int)n + 1, 9, (ulong)row))],
            [.. tokens.Select(n => 4 * n)]);
    }

    /// <summary>Predictions that a metric can measure: the first kind it does not refuse.</summary>
    public static Predictions For(IMetric metric, int rows, ulong seed)
    {
        double[] losses = [.. Enumerable.Range(0, rows).Select(row => (double)new Rng(seed, RngStream.Sampling).Uniform(10, (ulong)row))];
        Predictions[] kinds =
        [
            Classes(rows, 2, seed).WithLosses(losses), Classes(rows, 4, seed), MultiLabels(rows, 3, seed), Numbers(rows, 2, seed), Tokens(rows, seed),
        ];
        return kinds.First(predictions => Record.Exception(() => metric.Compute(predictions)) is null);
    }
}
