using Hieno.Models;
using Hieno.Optimizers;
using Hieno.Tensors;
using Hieno.Tuning;

namespace Hieno.Training;

/// <summary>How much each weight's own update lowers the loss, to first order: I = −Σ g·Δw.</summary>
/// <remarks>
/// Huang et al. 2023, <see href="https://arxiv.org/abs/2309.13192"/>. Δw is what the run's optimizer does in one step, with the moments and
/// the decay it has; g is the gradient after it. Weights and the run's optimizer are left as they were: a second optimizer takes the step.
/// </remarks>
internal static class TensorImportance
{
    /// <summary>Measures it.</summary>
    /// <param name="parameters">The weights, all trainable.</param>
    /// <param name="differentiate">Adds the gradient of the loss to the weights that learn.</param>
    /// <param name="optimizer">An optimizer over these weights that may be used up: see <see cref="Copy"/>.</param>
    /// <param name="learningRate">The rate of the step.</param>
    /// <param name="clipNorm">The bound of the gradient's norm; 0 for none.</param>
    /// <param name="masks">Weights of which only some elements learn.</param>
    /// <returns>I of each weight.</returns>
    public static double[] Of(
        IReadOnlyList<Parameter> parameters, Action differentiate, IOptimizer optimizer, double learningRate, double clipNorm, IReadOnlyList<ElementMask> masks)
    {
        differentiate();
        Tensor[] before = [.. parameters.Select(parameter => CopyOf(parameter.Value))];
        foreach (ElementMask mask in masks)
        {
            mask.MaskGradient();
        }

        optimizer.Step(learningRate, GradientClipping.Scale(GradientClipping.Norm(parameters), clipNorm));
        foreach (ElementMask mask in masks)
        {
            mask.RestoreValues();
        }

        Clear(parameters);
        differentiate();
        double[] importance = [.. parameters.Select((parameter, i) => -Gain(parameter.Value, before[i]))];
        for (int i = 0; i < before.Length; i++)
        {
            before[i].Backend.Copy(before[i], parameters[i].Value);
        }

        Clear(parameters);
        return importance;
    }

    /// <summary>A second optimizer with the state of the run's.</summary>
    public static IOptimizer Copy(IOptimizer optimizer, OptimizerOptions options, IReadOnlyList<OptimizedParameter> parameters)
    {
        Dictionary<string, Tensor> state = optimizer.State.ToDictionary(item => item.Name, item => CopyOf(item.Value), StringComparer.Ordinal);
        IOptimizer copy = options.Create(parameters);
        copy.Restore((name, _, _) => state.GetValueOrDefault(name));
        return copy;
    }

    // Σ g·(w − w₀), in double precision and in a fixed order.
    private static double Gain(Tensor weight, Tensor before)
    {
        if (weight.Grad is not { } grad)
        {
            return 0;
        }

        ReadOnlySpan<float> g = HostOf(grad);
        ReadOnlySpan<float> w = HostOf(weight);
        ReadOnlySpan<float> start = HostOf(before);
        double sum = 0;
        for (int i = 0; i < w.Length; i++)
        {
            sum += (double)g[i] * (w[i] - start[i]);
        }

        return sum;
    }

    private static void Clear(IReadOnlyList<Parameter> parameters)
    {
        foreach (Parameter parameter in parameters)
        {
            parameter.Value.ClearGrad();
        }
    }

    private static Tensor CopyOf(Tensor value)
    {
        Tensor copy = Tensor.CreateLongLived(value.Shape, value.DType, value.Backend);
        value.Backend.Copy(value, copy);
        return copy;
    }

    private static ReadOnlySpan<float> HostOf(Tensor tensor) => tensor.Backend.IsHostMemory ? tensor.Span : tensor.ToArray();
}
