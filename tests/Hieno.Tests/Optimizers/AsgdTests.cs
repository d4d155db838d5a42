using Hieno.Models;
using Hieno.Optimizers;

namespace Hieno.Tests.Optimizers;

public sealed class AsgdTests
{
    [Fact]
    public void Weights_and_averages_are_exchanged_and_exchanged_back_without_a_trace()
    {
        Parameter weight = Weights.Create("w", [1], [0]);
        IOptimizer optimizer = new AsgdOptions { Lambda = 0 }.Create([new OptimizedParameter(weight, 1, 0)]);
        float[] path = [.. new[] { 1f, 2f, 3f }.Select(g =>
        {
            Weights.SetGradients((weight, [g]));
            optimizer.Step(0.1, 1);
            return weight.Value.Item();
        })];
        Assert.Equal(-0.6f, path[2], 1e-6f);

        optimizer.ExchangeAverages();
        Assert.Equal(path[1..].Average(), weight.Value.Item(), 1e-6f); // the first two steps begin the average anew
        optimizer.ExchangeAverages();
        Assert.Equal(path[2], weight.Value.Item());
    }
}
