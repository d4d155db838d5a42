using Hieno.Models;
using Hieno.Optimizers;

namespace Hieno.Tests.Optimizers;

public sealed class NAdamTests
{
    [Fact]
    public void Steps_follow_the_paper_s_momentum_schedule_in_double_precision()
    {
        var options = new NAdamOptions { Beta1 = 0.8, Beta2 = 0.95, MomentumDecay = 0.3 };
        Parameter weight = Weights.Create("w", [2], [1, -2]);
        IOptimizer optimizer = options.Create([new OptimizedParameter(weight, LearningRateFactor: 0.5, WeightDecay: 0.25)]);
        (double[] w, double[] m, double[] v) = ([1, -2], new double[2], new double[2]);
        double product = 1;
        static double Momentum(int t) => 0.8 * (1 - (0.5 * Math.Pow(0.96, 0.3 * t)));
        for (int t = 1; t <= 6; t++)
        {
            float[] gradient = [t, -1f / t];
            Weights.SetGradients((weight, gradient));
            optimizer.Step(learningRate: 0.02, gradientScale: 0.5f);
            product *= Momentum(t);
            for (int i = 0; i < 2; i++)
            {
                double g = (0.5 * gradient[i]) + (0.25 * w[i]);
                m[i] = (0.8 * m[i]) + (0.2 * g);
                v[i] = (0.95 * v[i]) + (0.05 * g * g);
                double direction = ((1 - Momentum(t)) / (1 - product) * g) + (Momentum(t + 1) / (1 - (product * Momentum(t + 1))) * m[i]);
                w[i] -= 0.01 * direction / (Math.Sqrt(v[i] / (1 - Math.Pow(0.95, t))) + 1e-8);
                Assert.Equal(w[i], weight.Value.ToArray()[i], 5e-7);
            }
        }
    }
}
