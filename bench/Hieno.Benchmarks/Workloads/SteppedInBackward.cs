using Hieno.Models;
using Hieno.Optimizers;
using Hieno.Tensors;

namespace Hieno.Benchmarks.Workloads;

/// <summary>AdamW as <c>training.stepInBackward</c> runs it: neither side of the comparison clips, so no gradient has to wait for the others.</summary>
internal sealed class SteppedInBackward
{
    private readonly AdamW _optimizer;
    private readonly Dictionary<Tensor, OptimizedParameter> _weights;
    private readonly double _learningRate;

    /// <summary>Prepares the optimizer.</summary>
    public SteppedInBackward(IEnumerable<Parameter> learning, int blocks, double learningRate, double weightDecay)
    {
        IReadOnlyList<OptimizedParameter> weights = OptimizedParameter.Create(learning, blocks, weightDecay);
        (_optimizer, _learningRate) = (new AdamW(new AdamWOptions { WeightDecay = weightDecay }, weights), learningRate);
        _weights = weights.ToDictionary(item => item.Parameter.Value);
    }

    /// <summary>Runs the backward pass from <paramref name="loss"/> and steps each weight in it.</summary>
    public void Run(Tape tape, Tensor loss) => tape.Backward(loss, onComplete: weight =>
    {
        _optimizer.Step(_weights[weight], _learningRate, gradientScale: 1f);
        weight.ClearGrad();
    });
}
