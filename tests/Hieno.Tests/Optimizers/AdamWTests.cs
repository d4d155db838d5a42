using Hieno.Models;
using Hieno.Optimizers;
using Hieno.Tensors;

namespace Hieno.Tests.Optimizers;

public sealed class AdamWTests
{
    [Fact]
    public void Steps_follow_the_paper_with_factor_decay_and_gradient_scale()
    {
        var options = new AdamWOptions { Beta1 = 0.8, Beta2 = 0.95, Epsilon = 1e-3 };
        float[] start = [1f, -2f, 0.5f];
        Parameter weight = Weights.Create("w", [3], start);
        IOptimizer optimizer = options.Create([new OptimizedParameter(weight, LearningRateFactor: 0.5, WeightDecay: 0.25)]);

        double[] w = [.. start.Select(x => (double)x)];
        double[] m = new double[3];
        double[] v = new double[3];
        for (int t = 1; t <= 5; t++)
        {
            float[] gradient = [t, -1f / t, 0.1f * t];
            Weights.SetGradients((weight, gradient));
            optimizer.Step(learningRate: 0.02, gradientScale: 0.5f);
            for (int i = 0; i < 3; i++)
            {
                double g = 0.5 * gradient[i];
                m[i] = (0.8 * m[i]) + (0.2 * g);
                v[i] = (0.95 * v[i]) + (0.05 * g * g);
                double direction = m[i] / (1 - Math.Pow(0.8, t)) / (Math.Sqrt(v[i] / (1 - Math.Pow(0.95, t))) + 1e-3);
                w[i] -= 0.01 * (direction + (0.25 * w[i]));
                Assert.Equal(w[i], weight.Value.ToArray()[i], 2e-7);
            }
        }
    }

    [Fact]
    public void A_frozen_weight_keeps_every_bit_and_has_no_state()
    {
        Parameter trained = Weights.Create("trained", [2], [1, 2]);
        Parameter frozen = Weights.Create("frozen", [2], [3, 4]);
        IOptimizer optimizer = new AdamWOptions().Create([new(trained, 1, 0.1), new(frozen, 1, 0.1)]);
        Assert.Empty(optimizer.State);

        Weights.SetGradients((trained, [1, 1]), (frozen, [1, 1]));
        frozen.Trainable = false;
        optimizer.Step(0.1, 1);
        Assert.Equal([3f, 4f], frozen.Value.ToArray());
        Assert.Equal(["trained.exp_avg", "trained.exp_avg_sq", "trained.step"], optimizer.State.Select(item => item.Name));
    }

    [Fact]
    public void A_weight_that_joins_late_takes_the_first_step_of_a_new_one()
    {
        Parameter early = Weights.Create("early", [1], [1]);
        Parameter late = Weights.Create("late", [1], [1]);
        late.Trainable = false;
        IOptimizer optimizer = new AdamWOptions().Create([new(early, 1, 0), new(late, 1, 0)]);
        for (int step = 0; step < 50; step++)
        {
            Weights.SetGradients((early, [0.3f]));
            optimizer.Step(0.01, 1);
        }

        late.Trainable = true;
        Weights.SetGradients((early, [0.3f]), (late, [0.3f]));
        optimizer.Step(0.01, 1);
        Assert.Equal(0.99f, late.Value.Item(), 1e-6f); // the first corrected step has the length of the rate
        Assert.Equal(51, Weights.StateOf(optimizer)["early.step"].Item());
        Assert.Equal(1, Weights.StateOf(optimizer)["late.step"].Item());
    }

    [Fact]
    public void A_weight_that_no_gradient_reached_stays_as_it_is()
    {
        Parameter weight = Weights.Create("w", [2], [1, 2]);
        IOptimizer optimizer = new AdamWOptions().Create([new(weight, 1, 0.5)]);
        Weights.SetGradients((weight, [1, 1]));
        optimizer.Step(0.1, 1);
        float[] after = weight.Value.ToArray();

        weight.Value.ClearGrad();
        optimizer.Step(0.1, 1);
        Assert.Equal(after, weight.Value.ToArray());
        Assert.Equal(1, Weights.StateOf(optimizer)["w.step"].Item());
    }
}
