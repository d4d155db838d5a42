using Hieno.Models;
using Hieno.Tensors;

namespace Hieno.Optimizers;

/// <summary>The overall size of a gradient.</summary>
public static class GradientClipping
{
    /// <summary>√(Σ g²) over the gradients of all weights, added up in double precision in a fixed order; NaN or infinite when a gradient is.</summary>
    /// <remarks>Pascanu et al. 2013, <see href="https://arxiv.org/abs/1211.5063"/>, section 3.2.</remarks>
    public static double Norm(IEnumerable<Parameter> parameters)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        double sum = 0;
        foreach (Parameter parameter in parameters)
        {
            if (parameter.Value.Grad is { } grad)
            {
                sum += Updates.SquaredNorm(grad);
            }
        }

        return Math.Sqrt(sum);
    }

    /// <summary>What gradients are multiplied by so that their norm is at most <paramref name="limit"/>; 1 where it already is, or where the limit is 0 (off).</summary>
    public static float Scale(double norm, double limit) => limit > 0 && norm > limit ? (float)(limit / (norm + 1e-6)) : 1f;
}
