using Hieno.Models;
using Hieno.Models.Layers;
using Hieno.Optimizers;
using Hieno.Tensors;

namespace Hieno.Tests.Optimizers;

public sealed class AdamMiniTests
{
    [Fact]
    public void Each_row_is_a_block_each_offset_too_and_another_vector_is_one()
    {
        Parameter[] weights = [Weights.Create("w", [3, 2], new float[6]), Weights.Create("w.bias", [3], new float[3]), Weights.Create("norm.weight", [4], new float[4])];
        IOptimizer optimizer = new AdamMiniOptions().Create([.. weights.Select(weight => new OptimizedParameter(weight, 1, 0))]);
        Weights.SetGradients((weights[0], [3, 4, 1, 1, 0, 2]), (weights[1], [1, 2, 3]), (weights[2], [1, 1, 1, 5]));
        optimizer.Step(0.01, 1);
        var state = Weights.StateOf(optimizer);
        Assert.Equal([12.5f, 1f, 2f], Means(state["w.exp_avg_sq"]));
        Assert.Equal([1f, 4f, 9f], Means(state["w.bias.exp_avg_sq"]));
        Assert.Equal([7f], Means(state["norm.weight.exp_avg_sq"]));
        // The first step is the rate times the gradient over the root of its block's mean square.
        Assert.Equal(-0.01f * 3 / MathF.Sqrt(12.5f), weights[0].Value.ToArray()[0], 1e-7f);
        Assert.Equal(-0.01f, weights[1].Value.ToArray()[2], 1e-7f);
        Assert.Equal(-0.01f * 5 / MathF.Sqrt(7), weights[2].Value.ToArray()[3], 1e-7f);
    }

    [Fact]
    public void A_layer_stored_the_other_way_round_has_a_block_for_each_column()
    {
        var layer = new Linear(new WeightScope(new RandomWeights(seed: 1)).At("layer"), 3, 2, Initializer.Zeros, bias: false, transposed: true);
        layer.Weight.Trainable = true;
        IOptimizer optimizer = new AdamMiniOptions().Create([new OptimizedParameter(layer.Weight, 1, 0)]);
        Weights.SetGradients((layer.Weight, [1, 0, 2, 0, 2, 3])); // [in 3, out 2]
        optimizer.Step(0.01, 1);
        Assert.Equal([3f, 3f], Means(Weights.StateOf(optimizer)["layer.weight.exp_avg_sq"]));
    }

    private static float[] Means(Tensor squares) => [.. squares.ToArray().Select(v => MathF.Round(v / 0.001f, 4))];
}
