namespace Hieno.Tensors;

/// <summary>What one step of NAdam is told.</summary>
public sealed record NAdamSettings : StepSettings
{
    /// <summary>Decay rate of the mean of the gradients. Default 0.9.</summary>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>Decay rate of the mean of their squares. Default 0.999.</summary>
    public double Beta2 { get; init; } = 0.999;

    /// <summary>Added to the root of the second mean. Default 1e-8.</summary>
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>The momentum μₜ of this step; see <see cref="Momentum"/>.</summary>
    public required double MomentumNow { get; init; }

    /// <summary>The momentum μₜ₊₁ of the next step.</summary>
    public required double MomentumNext { get; init; }

    /// <summary>Π μ over all steps up to and with this one.</summary>
    public required double MomentumProduct { get; init; }

    /// <summary>The same up to and with the next step.</summary>
    public required double MomentumProductNext { get; init; }

    /// <summary>μₜ = β₁·(1 − ½·0.96^(t·ψ)).</summary>
    /// <param name="beta1">β₁.</param>
    /// <param name="decay">ψ.</param>
    /// <param name="step">t, counted from 1.</param>
    public static double Momentum(double beta1, double decay, int step) => beta1 * (1 - (0.5 * Math.Pow(0.96, step * decay)));

    /// <inheritdoc/>
    internal override IEnumerable<double> DecayRates => [Beta1, Beta2];
}

public static partial class Updates
{
    /// <summary>
    /// One step of NAdam, with g = scale · grad + λ·w, m and v as in Adam:
    /// w ← w − η·((1 − μₜ) / (1 − Πμ)·g + μₜ₊₁ / (1 − Πμ′)·m) / (√(v / (1 − β₂ᵗ)) + ε), Πμ up to this step and Πμ′ up to the next.
    /// </summary>
    /// <param name="parameter">The weights w, 32-bit.</param>
    /// <param name="grad">Their gradient, same shape.</param>
    /// <param name="m">Mean of the gradients, zero before the first step.</param>
    /// <param name="v">Mean of the squared gradients, zero before the first step.</param>
    /// <param name="settings">Rates and the number of the step.</param>
    /// <exception cref="ShapeException">The shapes differ.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The step is below 1, or a rate of decay is not within [0, 1).</exception>
    /// <remarks>Dozat 2016, "Incorporating Nesterov momentum into Adam", in PyTorch's form from 2.0 on; before, it counted μₜ twice in Πμ′.</remarks>
    public static void NAdamStep(Tensor parameter, Tensor grad, Tensor m, Tensor v, NAdamSettings settings)
    {
        ThrowUnlessAlike(parameter, nameof(NAdamStep), (grad, nameof(grad)), (m, nameof(m)), (v, nameof(v)));
        ThrowUnlessValid(settings);
        parameter.Backend.NAdamStep(parameter, grad, m, v, settings);
    }
}

public abstract partial class Backend
{
    /// <summary>Kernel of <see cref="Updates.NAdamStep"/>.</summary>
    public abstract void NAdamStep(Tensor parameter, Tensor grad, Tensor m, Tensor v, NAdamSettings settings);
}
