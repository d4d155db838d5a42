using Hieno.Models;
using Hieno.Optimizers;
using Hieno.Tensors;

namespace Hieno.Tests.Optimizers;

// Weights outside a model, and gradients of a chosen value for them.
internal static class Weights
{
    public static Parameter Create(string name, Shape shape, ReadOnlySpan<float> values, ParameterKind kind = ParameterKind.Other, int depth = 0)
    {
        Parameter parameter = new WeightScope(new RandomWeights(seed: 1)).As(kind).AtDepth(depth).Weight(name, shape, Initializer.Zeros);
        parameter.Value.Backend.CopyFromHost(values, parameter.Value);
        parameter.Trainable = true;
        return parameter;
    }

    /// <summary>What an optimizer remembers, by name.</summary>
    public static Dictionary<string, Tensor> StateOf(IOptimizer optimizer) => optimizer.State.ToDictionary(item => item.Name, item => item.Value);

    /// <summary>Restores an optimizer from copies, as a checkpoint would; returns the names it did not ask for.</summary>
    public static IEnumerable<string> Restore(IOptimizer optimizer, IReadOnlyDictionary<string, Tensor> state)
    {
        var unread = state.Keys.ToHashSet(StringComparer.Ordinal);
        optimizer.Restore((name, shape, dtype) =>
        {
            unread.Remove(name);
            if (state.GetValueOrDefault(name) is not { } saved)
            {
                return null;
            }

            Tensor copy = Tensor.CreateLongLived(shape, dtype);
            copy.Backend.Copy(saved, copy);
            return copy;
        });
        return unread;
    }

    /// <summary>Runs the backward pass of Σ g·w, whose gradient with respect to w is exactly g, in place of the gradients before.</summary>
    public static void SetGradients(params ReadOnlySpan<(Parameter Parameter, float[] Gradient)> gradients)
    {
        foreach ((Parameter parameter, float[] gradient) in gradients)
        {
            parameter.Value.ClearGrad();
            using var tape = Tape.Begin();
            tape.Backward(Ops.Sum(Ops.Mul(parameter, Tensor.FromValues(parameter.Value.Shape, gradient))));
        }
    }
}
