using Hieno.Tensors.Cpu;
using Hieno.Testing;
using static Hieno.Tensors.Tests.OpChecks;
using static Hieno.Tensors.Updates;

namespace Hieno.Tensors.Tests.Updates;

public sealed class AdamMiniStepTests
{
    [Theory]
    [InlineData(1, 37, false)]
    [InlineData(70, 133, false)]
    [InlineData(130, 41, true)]
    [InlineData(3, 1, true)]
    public void Steps_follow_the_algorithm_in_double_precision(int rows, int columns, bool byColumn)
    {
        foreach (SimdWidth width in Widths)
        {
            using var backend = new CpuBackend(2, width);
            Tensor w = Normal([rows, columns], 1, backend: backend);
            Tensor m = Tensor.CreateLongLived([rows, columns], backend: backend);
            Tensor v = Tensor.CreateLongLived([byColumn ? columns : rows], backend: backend);
            double[] expected = w.ToDoubles();
            (double[] em, double[] ev) = (new double[rows * columns], new double[v.Count]);
            for (int t = 1; t <= 4; t++)
            {
                Tensor grad = Normal([rows, columns], (ulong)t + 10, backend: backend);
                AdamMiniStep(w, grad, m, v, new AdamMiniSettings { LearningRate = 0.01, Beta1 = 0.8, Beta2 = 0.95, WeightDecay = 0.1, Step = t, GradScale = 0.5f, ByColumn = byColumn });
                double[] g = [.. grad.ToDoubles().Select(x => 0.5 * x)];
                int Block(int k) => byColumn ? k % columns : k / columns;
                for (int b = 0; b < ev.Length; b++)
                {
                    ev[b] = (0.95 * ev[b]) + (0.05 * g.Where((_, k) => Block(k) == b).Average(x => x * x));
                }

                for (int k = 0; k < g.Length; k++)
                {
                    em[k] = (0.8 * em[k]) + (0.2 * g[k]);
                    double step = em[k] / (1 - Math.Pow(0.8, t)) / (Math.Sqrt(ev[Block(k)] / (1 - Math.Pow(0.95, t))) + 1e-8);
                    expected[k] -= 0.01 * (step + (0.1 * expected[k]));
                }
            }

            TensorAssert.Close(expected, w, 2e-6, 2e-6);
            TensorAssert.Close(ev, v, 1e-6, 1e-5);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Any_number_of_threads_gives_the_same_bits(bool byColumn)
    {
        float[]? first = null;
        foreach (int threads in (int[])[1, 2, 3])
        {
            using var backend = new CpuBackend(threads);
            (Tensor w, Tensor g) = (Normal([301, 203], 1, backend: backend), Normal([301, 203], 2, backend: backend));
            (Tensor m, Tensor v) = (Tensor.CreateLongLived([301, 203], backend: backend), Tensor.CreateLongLived([byColumn ? 203 : 301], backend: backend));
            AdamMiniStep(w, g, m, v, new AdamMiniSettings { ByColumn = byColumn });
            first ??= w.ToArray();
            TensorAssert.Identical(first, w);
        }
    }

    [Fact]
    public void Mean_squares_of_another_number_of_blocks_are_refused()
    {
        Tensor w = Normal([3, 2], 1);
        Assert.Throws<ShapeException>(() => AdamMiniStep(w, w, w, Tensor.CreateLongLived([2]), new AdamMiniSettings()));
        Assert.Throws<ShapeException>(() => AdamMiniStep(w, w, w, Tensor.CreateLongLived([3]), new AdamMiniSettings { ByColumn = true }));
    }
}
