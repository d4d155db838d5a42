using Hieno.Models;
using Hieno.Optimizers;

namespace Hieno.Tests.Optimizers;

public sealed class SgdTests
{
    [Theory]
    [InlineData(0, 0, false)]
    [InlineData(0.9, 0, false)]
    [InlineData(0.9, 0.3, false)]
    [InlineData(0.9, 0, true)]
    public void Steps_follow_pytorchs_rule(double momentum, double dampening, bool nesterov)
    {
        Parameter weight = Weights.Create("w", [2], [1, -2]);
        IOptimizer optimizer = new SgdOptions { Momentum = momentum, Dampening = dampening, Nesterov = nesterov }.Create([new(weight, 2, 0.1)]);
        double[] w = [1, -2];
        double[] b = new double[2];
        for (int step = 0; step < 5; step++)
        {
            float[] gradient = [step - 2, 0.5f * step];
            Weights.SetGradients((weight, gradient));
            optimizer.Step(0.05, gradientScale: 0.25f);
            for (int i = 0; i < 2; i++)
            {
                double g = (0.25 * gradient[i]) + (0.1 * w[i]);
                b[i] = step == 0 ? g : (momentum * b[i]) + ((1 - dampening) * g);
                w[i] -= 0.1 * (momentum == 0 ? g : nesterov ? g + (momentum * b[i]) : b[i]);
                Assert.Equal(w[i], weight.Value.ToArray()[i], 3e-7);
            }
        }

        Assert.Equal(momentum == 0 ? ["w.step"] : ["w.momentum_buffer", "w.step"], optimizer.State.Select(item => item.Name));
    }

    [Fact]
    public void Nesterov_without_momentum_or_with_dampening_is_refused()
    {
        Assert.Single(new SgdOptions { Nesterov = true }.Validate());
        Assert.Single(new SgdOptions { Nesterov = true, Momentum = 0.9, Dampening = 0.1 }.Validate());
        Assert.Empty(new SgdOptions { Nesterov = true, Momentum = 0.9 }.Validate());
    }
}
