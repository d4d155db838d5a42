using Hieno.Models;
using Hieno.Optimizers;

namespace Hieno.Tests.Optimizers;

public sealed class OptimizedParameterTests
{
    // Two blocks: embeddings at 0, blocks at 1 and 2, head at 3.
    private static readonly Parameter[] Model =
    [
        Weights.Create("embed.weight", [4, 2], new float[8], ParameterKind.Embedding, depth: 0),
        Weights.Create("block.0.weight", [2, 2], new float[4], ParameterKind.Attention, depth: 1),
        Weights.Create("block.1.weight", [2, 2], new float[4], ParameterKind.FeedForward, depth: 2),
        Weights.Create("block.1.norm.weight", [2], new float[2], ParameterKind.Norm, depth: 2),
        Weights.Create("head.weight", [3, 2], new float[6], ParameterKind.Head, depth: 3),
        Weights.Create("head.bias", [3], new float[3], ParameterKind.Head, depth: 3),
    ];

    [Fact]
    public void Weights_of_one_dimension_are_not_decayed()
    {
        var all = OptimizedParameter.Create(Model, blocks: 2, weightDecay: 0.05);
        Assert.Equal([0.05, 0.05, 0.05, 0, 0.05, 0], all.Select(item => item.WeightDecay));
        Assert.All(all, item => Assert.Equal(1, item.LearningRateFactor));
    }

    [Fact]
    public void Each_layer_is_slower_than_the_one_above_and_the_head_is_multiplied()
    {
        var all = OptimizedParameter.Create(Model, blocks: 2, weightDecay: 0, layerDecay: 0.5, headFactor: 10);
        Assert.Equal([0.125, 0.25, 0.5, 0.5, 10, 10], all.Select(item => item.LearningRateFactor));
    }
}
