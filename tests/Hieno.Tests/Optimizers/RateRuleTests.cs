using Hieno.Models;
using Hieno.Optimizers;

namespace Hieno.Tests.Optimizers;

public sealed class RateRuleTests
{
    [Fact]
    public void Factors_of_all_patterns_that_match_are_multiplied()
    {
        Parameter[] weights =
        [
            Weights.Create("layer.1.up.weight", [2, 2], new float[4], ParameterKind.FeedForward, depth: 2),
            Weights.Create("layer.1.up.bias", [2], new float[2], ParameterKind.FeedForward, depth: 2),
            Weights.Create("layer.0.up.bias", [2], new float[2], ParameterKind.FeedForward, depth: 1),
        ];
        RateRule[] rules = [new RateRule { Names = "*.bias", Factor = 10 }, new RateRule { Names = "layer.0.*", Factor = 0.5 }];
        Assert.Equal([1, 10, 5], OptimizedParameter.Create(weights, blocks: 2, weightDecay: 0, rates: rules).Select(item => item.LearningRateFactor));
        Assert.Equal([0.5, 5, 1.25], OptimizedParameter.Create(weights, blocks: 2, weightDecay: 0, layerDecay: 0.5, rates: rules).Select(item => item.LearningRateFactor));
    }
}
