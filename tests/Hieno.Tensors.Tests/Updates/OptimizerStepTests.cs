using Hieno.Tensors.Cpu;
using Hieno.Testing;
using Hieno.Tests.Shared;
using static Hieno.Tensors.Tests.OpChecks;
using static Hieno.Tensors.Updates;

namespace Hieno.Tensors.Tests.Updates;

public sealed class OptimizerStepTests
{
    private const int Steps = 4;

    // Weights, gradient and two tensors of state that are not negative where they must not be.
    private static readonly Action<Tensor[]>[] s_elementwise =
    [
        t => AdamStep(t[0], t[1], t[2], t[3], null, new AdamSettings { Step = 3, WeightDecay = 0.1 }),
        t => AdamaxStep(t[0], t[1], t[2], t[3], new AdamaxSettings { Step = 3, WeightDecay = 0.1 }),
        t => NAdamStep(t[0], t[1], t[2], t[3], new NAdamSettings { Step = 3, WeightDecay = 0.1, MomentumNow = 0.6, MomentumNext = 0.7, MomentumProduct = 0.2, MomentumProductNext = 0.1 }),
        t => RAdamStep(t[0], t[1], t[2], t[3], new RAdamSettings { Step = 3 }),
        t => RAdamStep(t[0], t[1], t[2], t[3], new RAdamSettings { Step = 300, WeightDecay = 0.1 }),
        t => RmsPropStep(t[0], t[1], t[3], null, t[2], new RmsPropSettings { Momentum = 0.5, WeightDecay = 0.1 }),
        t => AdagradStep(t[0], t[1], t[3], new AdagradSettings { RateDecay = 0.1, Step = 3 }),
        t => LionStep(t[0], t[1], t[2], new LionSettings { WeightDecay = 0.1 }),
        t => AsgdStep(t[0], t[1], t[2], new AsgdSettings { Step = 5 }),
        t => AdadeltaStep(t[0], t[1], t[3], t[3], new AdadeltaSettings { WeightDecay = 0.1 }),
        t => RpropStep(t[0], t[1], t[2], t[3], new RpropSettings()),
    ];

    [Theory]
    [InlineData(1)]
    [InlineData(37)]
    [InlineData(40_001)]
    public void AdamW_follows_the_algorithm_in_double_precision(int count)
    {
        Tensor w = Normal([count], 1);
        (Tensor m, Tensor v) = (Tensor.CreateLongLived([count]), Tensor.CreateLongLived([count]));
        double[] expected = w.ToDoubles();
        (double[] em, double[] ev) = (new double[count], new double[count]);
        for (int t = 1; t <= Steps; t++)
        {
            Tensor grad = Normal([count], (ulong)t + 10);
            AdamWStep(w, grad, m, v, new AdamWSettings { LearningRate = 0.01, Beta1 = 0.8, Beta2 = 0.95, Epsilon = 1e-6, WeightDecay = 0.1, Step = t, GradScale = 0.5f });
            double[] g = grad.ToDoubles();
            for (int i = 0; i < count; i++)
            {
                em[i] = (0.8 * em[i]) + (0.2 * g[i] * 0.5);
                ev[i] = (0.95 * ev[i]) + (0.05 * g[i] * g[i] * 0.25);
                double step = em[i] / (1 - Math.Pow(0.8, t)) / (Math.Sqrt(ev[i] / (1 - Math.Pow(0.95, t))) + 1e-6);
                expected[i] -= 0.01 * (step + (0.1 * expected[i]));
            }
        }

        TensorAssert.Close(expected, w, 1e-6, 1e-6);
        TensorAssert.Close(em, m, 1e-7, 1e-6);
        TensorAssert.Close(ev, v, 1e-7, 1e-6);
    }

    [Theory]
    [InlineData(0, 0, false)]
    [InlineData(0.9, 0, false)]
    [InlineData(0.9, 0.3, false)]
    [InlineData(0.9, 0, true)]
    public void Sgd_follows_the_algorithm_in_double_precision(double momentum, double dampening, bool nesterov)
    {
        const int Count = 5003;
        Tensor w = Normal([Count], 1);
        Tensor buffer = Normal([Count], 2); // what it holds before the first step must not matter
        double[] expected = w.ToDoubles();
        double[] b = new double[Count];
        for (int t = 1; t <= Steps; t++)
        {
            Tensor grad = Normal([Count], (ulong)t + 10);
            SgdStep(w, grad, momentum == 0 ? null : buffer, new SgdSettings { LearningRate = 0.05, Momentum = momentum, Dampening = dampening, Nesterov = nesterov, WeightDecay = 0.01, Step = t, GradScale = 2f });
            double[] raw = grad.ToDoubles();
            for (int i = 0; i < Count; i++)
            {
                double g = (2 * raw[i]) + (0.01 * expected[i]);
                b[i] = t == 1 ? g : (momentum * b[i]) + ((1 - dampening) * g);
                double step = momentum == 0 ? g : nesterov ? g + (momentum * b[i]) : b[i];
                expected[i] -= 0.05 * step;
            }
        }

        TensorAssert.Close(expected, w, 2e-6, 1e-6);
    }

    [SkippableTheory]
    [Trait("tier", "golden")]
    [InlineData("sgd", 0, 0, false, 0)]
    [InlineData("sgd_momentum", 0.9, 0.1, false, 0.01)]
    [InlineData("sgd_nesterov", 0.9, 0, true, 0.01)]
    public void Sgd_gives_the_weights_of_the_reference(string name, double momentum, double dampening, bool nesterov, double decay)
    {
        AssertGolden(name, (w, grad, state, _, step) => SgdStep(
            w, grad, state, new SgdSettings { LearningRate = 0.05, Momentum = momentum, Dampening = dampening, Nesterov = nesterov, WeightDecay = decay, Step = step }));
    }

    [SkippableFact]
    [Trait("tier", "golden")]
    public void AdamW_gives_the_weights_of_the_reference()
    {
        AssertGolden("adamw", (w, grad, m, v, step) => AdamWStep(w, grad, m, v, new AdamWSettings { LearningRate = 0.01, WeightDecay = 0.1, Step = step }));
    }

    // The reference, PyTorch 1.13, has μₜ twice in the product up to the next step; later versions and Hieno's optimizer do not.
    [SkippableFact]
    [Trait("tier", "golden")]
    public void NAdam_gives_the_weights_of_the_reference_with_the_reference_s_product()
    {
        static double Momentum(int t) => NAdamSettings.Momentum(0.9, 0.004, t);
        AssertGolden("nadam", (w, grad, m, v, step) =>
        {
            double product = Enumerable.Range(1, step).Aggregate(1.0, (value, t) => value * Momentum(t));
            NAdamStep(w, grad, m, v, new NAdamSettings
            {
                LearningRate = 0.01,
                Step = step,
                MomentumNow = Momentum(step),
                MomentumNext = Momentum(step + 1),
                MomentumProduct = product,
                MomentumProductNext = product * Momentum(step) * Momentum(step + 1),
            });
        });
    }

    [Fact]
    public void All_vector_widths_and_thread_counts_agree_bit_for_bit()
    {
        float[]? first = null;
        foreach ((int threads, SimdWidth width) in Widths.Select(width => (1, width)).Concat([(2, Widths[^1]), (8, Widths[^1])]))
        {
            using var backend = new CpuBackend(threads, width);
            Tensor[] t = [.. Enumerable.Range(1, 4).Select(i => Normal([70_003], (ulong)i, backend: backend))];
            Hieno.Tensors.Ops.Mul(t[3], t[3]).Backend.Mul(t[3], t[3], t[3], add: false); // second moments are not negative
            AdamWStep(t[0], t[1], t[2], t[3], new AdamWSettings { Step = 3, WeightDecay = 0.1 });
            SgdStep(t[0], t[1], t[2], new SgdSettings { Momentum = 0.9, Step = 2 });
            foreach (Action<Tensor[]> step in s_elementwise)
            {
                step(t);
            }

            float[] results = [.. t.SelectMany(tensor => tensor.ToArray())];
            first ??= results;
            TensorAssert.Identical(first, Tensor.FromValues([results.Length], results));
        }
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public void Adam_follows_the_algorithm_in_double_precision_with_either_decay_and_the_largest_mean(bool decoupled, bool amsGrad)
    {
        const int Count = 5003;
        Tensor w = Normal([Count], 1);
        (Tensor m, Tensor v, Tensor largest) = (Tensor.CreateLongLived([Count]), Tensor.CreateLongLived([Count]), Tensor.CreateLongLived([Count]));
        double[] expected = w.ToDoubles();
        (double[] em, double[] ev, double[] eu) = (new double[Count], new double[Count], new double[Count]);
        for (int t = 1; t <= Steps; t++)
        {
            Tensor grad = Normal([Count], (ulong)t + 10);
            ScaleInPlace(grad, t == 2 ? 5 : 1); // one large gradient, so that the largest mean is not the last
            AdamStep(w, grad, m, v, amsGrad ? largest : null, new AdamSettings { LearningRate = 0.01, Beta1 = 0.8, Beta2 = 0.5, WeightDecay = 0.1, Step = t, GradScale = 0.5f, Decoupled = decoupled });
            double[] g = grad.ToDoubles();
            for (int i = 0; i < Count; i++)
            {
                double gi = (0.5 * g[i]) + (decoupled ? 0 : 0.1 * expected[i]);
                em[i] = (0.8 * em[i]) + (0.2 * gi);
                ev[i] = (0.5 * ev[i]) + (0.5 * gi * gi);
                eu[i] = amsGrad ? Math.Max(eu[i], ev[i]) : ev[i];
                double step = em[i] / (1 - Math.Pow(0.8, t)) / (Math.Sqrt(eu[i] / (1 - Math.Pow(0.5, t))) + 1e-8);
                expected[i] -= 0.01 * (step + (decoupled ? 0.1 * expected[i] : 0));
            }
        }

        TensorAssert.Close(expected, w, 2e-6, 1e-6);
    }

    [Fact]
    public void Lion_follows_the_algorithm_in_double_precision()
    {
        const int Count = 5003;
        Tensor w = Normal([Count], 1);
        Tensor m = Tensor.CreateLongLived([Count]);
        double[] expected = w.ToDoubles();
        double[] em = new double[Count];
        for (int t = 1; t <= Steps; t++)
        {
            Tensor grad = Normal([Count], (ulong)t + 10);
            grad.Span[0] = 0; // sign(0) = 0: only the decay moves it
            LionStep(w, grad, m, new LionSettings { LearningRate = 0.01, Beta1 = 0.7, Beta2 = 0.95, WeightDecay = 0.3, Step = t, GradScale = 2 });
            double[] g = grad.ToDoubles();
            for (int i = 0; i < Count; i++)
            {
                double direction = (0.7 * em[i]) + (0.3 * 2 * g[i]);
                expected[i] -= 0.01 * ((direction > 0 ? 1 : direction < 0 ? -1 : 0) + (0.3 * expected[i]));
                em[i] = (0.95 * em[i]) + (0.05 * 2 * g[i]);
            }
        }

        TensorAssert.Close(expected, w, 2e-6, 1e-6);
        TensorAssert.Close(em, m, 1e-6, 1e-6);
    }

    [Fact]
    public void Averaged_descent_keeps_the_mean_of_all_weights_since_the_chosen_step()
    {
        Tensor w = Normal([100], 1);
        Tensor average = Normal([100], 2); // what it holds before the first step must not matter
        double[] sum = new double[100];
        for (int t = 1; t <= 8; t++)
        {
            AsgdStep(w, Normal([100], (ulong)t + 10), average, new AsgdSettings { LearningRate = 0.1, AverageFrom = 3, Step = t });
            if (t > 4)
            {
                sum = [.. sum.Zip(w.ToDoubles(), (a, b) => a + b)];
            }
        }

        TensorAssert.Close([.. sum.Select(x => x / 4)], average, 1e-6, 1e-6);
    }

    [Fact]
    public void Rprop_grows_shrinks_and_waits_by_the_signs_alone()
    {
        Tensor w = Tensor.FromValues([1], [0]);
        (Tensor last, Tensor size) = (Tensor.CreateLongLived([1]), Tensor.FromValues([1], [1]));
        float[] path = [.. new[] { 1e-30f, 5f, -2f, -3f, -4f }.Select((g, t) =>
        {
            RpropStep(w, Tensor.FromValues([1], [g]), last, size, new RpropSettings { LearningRate = 0.5, Step = t + 1 });
            return w.Item();
        })];
        // Steps of 1 and 1.2 down; the change of sign halves the step and waits; then up by 0.6 and 0.72.
        float[] expected = [-0.5f, -1.1f, -1.1f, -0.8f, -0.44f];
        Assert.All(path.Zip(expected), pair => Assert.Equal(pair.Second, pair.First, 1e-6f));
    }

    [Fact]
    public void Wrong_settings_and_shapes_are_refused()
    {
        Tensor w = Normal([3], 1);
        Tensor other = Normal([4], 1);
        Assert.Throws<ArgumentOutOfRangeException>(() => AdamWStep(w, w, w, w, new AdamWSettings()));
        Assert.Throws<ArgumentOutOfRangeException>(() => AdamWStep(w, w, w, w, new AdamWSettings { Step = 1, Beta2 = 1 }));
        Assert.Equal("AdamWStep: v has shape [4], expected [3].", Assert.Throws<ShapeException>(() => AdamWStep(w, w, w, other, new AdamWSettings { Step = 1 })).Message);
        Assert.Throws<ArgumentException>(() => SgdStep(w, w, null, new SgdSettings { Momentum = 0.9 }));
        Assert.Throws<ArgumentException>(() => SgdStep(w, w, w, new SgdSettings { Nesterov = true }));
        Tensor half = Tensor.CreateLongLived([3], DType.BF16);
        Assert.Contains("stored as BF16", Assert.Throws<ArgumentException>(() => SgdStep(half, w, null, new SgdSettings())).Message);
    }

    private static void AssertGolden(string name, Action<Tensor, Tensor, Tensor, Tensor, int> step)
    {
        GoldenFile golden = GoldenFile.Require("golden/misc/optimizers.safetensors");
        foreach (string part in (string[])["w", "b"])
        {
            Shape shape = Shape.Create(golden.ShapeOf("init." + part));
            Tensor w = Tensor.FromValues(shape, golden["init." + part]);
            (Tensor first, Tensor second) = (Tensor.CreateLongLived(shape), Tensor.CreateLongLived(shape));
            for (int t = 0; t < 6; t++)
            {
                step(w, Tensor.FromValues(shape, golden[$"grad{t}.{part}"]), first, second, t + 1);
                TensorAssert.Close(golden[$"{name}.step{t}.{part}"], w, 3e-7, 3e-7);
            }
        }
    }
}
