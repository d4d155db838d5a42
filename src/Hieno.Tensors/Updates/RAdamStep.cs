namespace Hieno.Tensors;

/// <summary>What one step of RAdam is told.</summary>
public sealed record RAdamSettings : StepSettings
{
    /// <summary>Decay rate of the mean of the gradients. Default 0.9.</summary>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>Decay rate of the mean of their squares. Default 0.999.</summary>
    public double Beta2 { get; init; } = 0.999;

    /// <summary>Added to the root of the second mean. Default 1e-8.</summary>
    public double Epsilon { get; init; } = 1e-8;

    /// <inheritdoc/>
    internal override IEnumerable<double> DecayRates => [Beta1, Beta2];
}

public static partial class Updates
{
    /// <summary>
    /// One step of RAdam, with g = scale · grad + λ·w, m and v as in Adam, ρ∞ = 2 / (1 − β₂) − 1 and ρ = ρ∞ − 2·t·β₂ᵗ / (1 − β₂ᵗ):
    /// w ← w − η·r·m / (1 − β₁ᵗ)·√(1 − β₂ᵗ) / (√v + ε) with r = √((ρ − 4)(ρ − 2)ρ∞ / ((ρ∞ − 4)(ρ∞ − 2)ρ)) where ρ is above 5,
    /// and w ← w − η·m / (1 − β₁ᵗ) in the first few steps, where v is too uncertain.
    /// </summary>
    /// <param name="parameter">The weights w, 32-bit.</param>
    /// <param name="grad">Their gradient, same shape.</param>
    /// <param name="m">Mean of the gradients, zero before the first step.</param>
    /// <param name="v">Mean of the squared gradients, zero before the first step.</param>
    /// <param name="settings">Rates and the number of the step.</param>
    /// <exception cref="ShapeException">The shapes differ.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The step is below 1, or a rate of decay is not within [0, 1).</exception>
    /// <remarks>Liu et al. 2020, <see href="https://arxiv.org/abs/1908.03265"/>, algorithm 2, with PyTorch's limit of 5.</remarks>
    public static void RAdamStep(Tensor parameter, Tensor grad, Tensor m, Tensor v, RAdamSettings settings)
    {
        ThrowUnlessAlike(parameter, nameof(RAdamStep), (grad, nameof(grad)), (m, nameof(m)), (v, nameof(v)));
        ThrowUnlessValid(settings);
        parameter.Backend.RAdamStep(parameter, grad, m, v, settings);
    }
}

public abstract partial class Backend
{
    /// <summary>Kernel of <see cref="Updates.RAdamStep"/>.</summary>
    public abstract void RAdamStep(Tensor parameter, Tensor grad, Tensor m, Tensor v, RAdamSettings settings);
}
