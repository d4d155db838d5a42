using Hieno.Tensors.Cpu;
using Hieno.Testing;
using static Hieno.Tensors.Tests.OpChecks;
using static Hieno.Tensors.Updates;

namespace Hieno.Tensors.Tests.Updates;

public sealed class AdafactorStepTests
{
    [Theory]
    [InlineData(1, 37, false)]
    [InlineData(5, 1, true)]
    [InlineData(70, 133, false)]
    [InlineData(130, 41, true)]
    public void Steps_follow_the_algorithm_in_double_precision(int rows, int columns, bool hasMean)
    {
        foreach (SimdWidth width in Widths)
        {
            using var backend = new CpuBackend(2, width);
            Tensor w = Normal([rows, columns], 1, backend: backend);
            Tensor? r = rows > 1 ? Tensor.CreateLongLived([rows], backend: backend) : null;
            Tensor c = Tensor.CreateLongLived([columns], backend: backend);
            Tensor? m = hasMean ? Tensor.CreateLongLived([rows, columns], backend: backend) : null;
            double[] expected = w.ToDoubles();
            (double[] er, double[] ec, double[] em) = (new double[rows], new double[columns], new double[rows * columns]);
            for (int t = 1; t <= 4; t++)
            {
                Tensor grad = Normal([rows, columns], (ulong)t + 10, backend: backend);
                ScaleInPlace(grad, t == 3 ? 10 : 1); // a change that is clipped
                double beta2 = 1 - Math.Pow(t, -0.8);
                AdafactorStep(w, grad, r, c, m, new AdafactorSettings { LearningRate = 0.02, Beta1 = 0.6, Beta2 = beta2, WeightDecay = 0.1, Step = t, GradScale = 0.5f });
                Expect(expected, [.. grad.ToDoubles().Select(g => g * 0.5)], er, ec, hasMean ? em : null, beta2);
            }

            TensorAssert.Close(expected, w, 2e-6, 2e-6);
            TensorAssert.Close(ec, c, 1e-6, 1e-5);
        }
    }

    [Fact]
    public void Any_number_of_threads_gives_the_same_bits()
    {
        float[]? first = null;
        foreach (int threads in (int[])[1, 2, 3])
        {
            using var backend = new CpuBackend(threads);
            (Tensor w, Tensor g) = (Normal([301, 203], 1, backend: backend), Normal([301, 203], 2, backend: backend));
            (Tensor r, Tensor c) = (Tensor.CreateLongLived([301], backend: backend), Tensor.CreateLongLived([203], backend: backend));
            AdafactorStep(w, g, r, c, null, new AdafactorSettings());
            first ??= w.ToArray();
            TensorAssert.Identical(first, w);
        }
    }

    [Fact]
    public void A_matrix_without_row_means_is_refused()
    {
        Tensor w = Normal([3, 2], 1);
        Assert.Contains("3 rows", Assert.Throws<ShapeException>(() => AdafactorStep(w, w, null, Tensor.CreateLongLived([2]), null, new AdafactorSettings())).Message, StringComparison.Ordinal);
        Assert.Throws<ShapeException>(() => AdafactorStep(w, w, Tensor.CreateLongLived([3]), Tensor.CreateLongLived([3]), null, new AdafactorSettings()));
    }

    private static void Expect(double[] w, double[] g, double[] r, double[] c, double[]? m, double beta2)
    {
        (int rows, int columns) = (r.Length, c.Length);
        for (int i = 0; i < rows; i++)
        {
            r[i] = (beta2 * r[i]) + ((1 - beta2) * Enumerable.Range(0, columns).Average(j => (g[(i * columns) + j] * g[(i * columns) + j]) + 1e-30));
        }

        for (int j = 0; j < columns; j++)
        {
            c[j] = (beta2 * c[j]) + ((1 - beta2) * Enumerable.Range(0, rows).Average(i => (g[(i * columns) + j] * g[(i * columns) + j]) + 1e-30));
        }

        double mean = r.Average();
        double[] u = [.. g.Select((x, k) => x / Math.Sqrt(r[k / columns] * c[k % columns] / mean))];
        double clip = Math.Max(1, Math.Sqrt(u.Average(x => x * x)));
        for (int k = 0; k < w.Length; k++)
        {
            double change = 0.02 * u[k] / clip;
            if (m is not null)
            {
                change = m[k] = (0.6 * m[k]) + (0.4 * change);
            }

            w[k] -= (0.02 * 0.1 * w[k]) + change;
        }
    }
}
