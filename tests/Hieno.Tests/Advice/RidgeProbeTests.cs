using Hieno.Advice;
using Hieno.Tensors;

namespace Hieno.Tests.Advice;

public sealed class RidgeProbeTests
{
    private const int Rows = 200;

    [Fact]
    public void Labels_that_a_plane_separates_are_all_found()
    {
        float[][] x = Noise(8, draw: 1);
        double[][] y = [.. x.Select(row => row[0] + (2 * row[3]) > 0 ? new double[] { 1, 0 } : [0, 1])];
        Assert.InRange(RidgeProbe.Score(x, y, predicted => Accuracy(predicted, y), seed: 1), 0.95, 1);
    }

    [Fact]
    public void Random_labels_are_found_as_often_as_by_guessing()
    {
        float[][] x = Noise(8, draw: 1);
        double[][] y = [.. Noise(1, draw: 2).Select(row => row[0] > 0 ? new double[] { 1, 0 } : [0, 1])];
        Assert.InRange(RidgeProbe.Score(x, y, predicted => Accuracy(predicted, y), seed: 1), 0.35, 0.65);
    }

    [Fact]
    public void Held_out_rows_are_predicted_as_the_primal_solution_predicts_them()
    {
        // With one feature the primal solution is a number: w = Σx·y / (Σx² + λ) on the centred targets of the other folds.
        float[][] x = Noise(1, draw: 1);
        double[][] y = [.. x.Select((row, i) => new[] { (3 * row[0]) + (0.1 * (i % 7)) })];
        double[][] last = [];
        RidgeProbe.Score(x, y, predicted => { last = predicted; return 0; }, seed: 5); // the last strength is 1000
        double mean = x.Average(row => (double)row[0]);
        double deviation = Math.Sqrt(x.Average(row => (row[0] - mean) * (row[0] - mean)));
        double[] z = [.. x.Select(row => (row[0] - mean) / deviation)];
        int[] order = new Rng(5, RngStream.Split).Permutation(Rows, 3);
        for (int i = 0; i < Rows; i++)
        {
            int fold = Array.IndexOf(order, i) % 5;
            int[] train = [.. order.Where((_, at) => at % 5 != fold)];
            double center = train.Average(row => y[row][0]);
            double w = train.Sum(row => z[row] * (y[row][0] - center)) / (train.Sum(row => z[row] * z[row]) + 1000);
            Assert.Equal(center + (w * z[i]), last[i][0], 1e-9);
        }
    }

    private static float[][] Noise(int columns, ulong draw)
    {
        var rng = new Rng(9, RngStream.Split);
        return [.. Enumerable.Range(0, Rows).Select(row => Enumerable.Range(0, columns).Select(column => (2 * Rng.ToUnit(rng.Block(draw, (ulong)((row * columns) + column)).A)) - 1).ToArray())];
    }

    private static double Accuracy(double[][] predicted, double[][] truth) =>
        predicted.Zip(truth).Count(pair => Array.IndexOf(pair.First, pair.First.Max()) == Array.IndexOf(pair.Second, 1)) / (double)truth.Length;
}
