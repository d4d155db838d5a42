using System.Diagnostics;
using Hieno.Tensors;

namespace Hieno.Cli.Doctor;

/// <summary>Multiplies two matrices: is the product right, and how fast is it made?</summary>
internal static class ProductCheck
{
    private const int Extent = 768;
    private const int Repeats = 6;

    public static IEnumerable<Finding> Run()
    {
        float[] a = Values(1), b = Values(2);
        Tensor x = Tensor.FromValues([Extent, Extent], a), weight = Tensor.FromValues([Extent, Extent], b);
        double best = double.MaxValue;
        float[] product = [];
        for (int i = 0; i < Repeats; i++)
        {
            using Tape tape = Tape.Begin(record: false);
            long start = Stopwatch.GetTimestamp();
            Tensor y = Ops.Linear(x, weight); // y = x·Wᵀ
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds); // the first ones also warm up
            product = y.ToArray();
        }

        double worst = WorstError(a, b, product);
        yield return worst < 1e-3
            ? new("arithmetic", FindingState.Good, $"a product of {Extent}×{Extent} matrices is right to {Figures.Rate(worst)}")
            : new("arithmetic", FindingState.Wrong, $"a product of {Extent}×{Extent} matrices is off by {Figures.Rate(worst)}", "The processor or this program computes wrongly: please report it with this page.");
        yield return new("speed", FindingState.Good, $"{Figures.Number(2.0 * Extent * Extent * Extent / best / 1e9, 0)} GFLOP/s in 32 bits (a product of {Extent}×{Extent} matrices)");
    }

    // Some entries, spread over the whole matrix, against sums in 64 bits; the values lie between −1 and 1, so a sum has the size of 10.
    private static double WorstError(float[] a, float[] b, float[] product)
    {
        double worst = 0;
        for (int entry = 0; entry < product.Length; entry += 997)
        {
            int row = entry / Extent * Extent, column = entry % Extent * Extent;
            double sum = 0;
            for (int k = 0; k < Extent; k++)
            {
                sum += (double)a[row + k] * b[column + k];
            }

            double error = Math.Abs(sum - product[entry]);
            worst = double.IsNaN(error) ? double.PositiveInfinity : Math.Max(worst, error);
        }

        return worst;
    }

    private static float[] Values(ulong stream)
    {
        var rng = new Rng(stream, RngStream.Initialization);
        float[] values = new float[Extent * Extent];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = (2 * Rng.ToUnit(rng.Block(0, (ulong)i).A)) - 1;
        }

        return values;
    }
}
