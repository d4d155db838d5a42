namespace Hieno.Tensors;

/// <summary>What one step of Adam is told.</summary>
public sealed record AdamSettings : StepSettings
{
    /// <summary>Decay rate of the mean of the gradients. Default 0.9.</summary>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>Decay rate of the mean of their squares. Default 0.999.</summary>
    public double Beta2 { get; init; } = 0.999;

    /// <summary>Added to the root of the second mean. Default 1e-8.</summary>
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>True takes the decay off the weight, as AdamW does; false adds it to the gradient. Default false.</summary>
    public bool Decoupled { get; init; }

    /// <inheritdoc/>
    internal override IEnumerable<double> DecayRates => [Beta1, Beta2];
}

public static partial class Updates
{
    /// <summary>
    /// One step of Adam, with g = scale · grad + λ·w: m ← β₁·m + (1 − β₁)·g, v ← β₂·v + (1 − β₂)·g², u ← max(u, v),
    /// w ← w − η·m / (1 − β₁ᵗ) / (√(u / (1 − β₂ᵗ)) + ε); without <paramref name="largest"/> u is v. Decoupled, λ takes η·λ·w off the weight instead.
    /// </summary>
    /// <param name="parameter">The weights w, 32-bit.</param>
    /// <param name="grad">Their gradient, same shape.</param>
    /// <param name="m">Mean of the gradients, zero before the first step.</param>
    /// <param name="v">Mean of the squared gradients, zero before the first step.</param>
    /// <param name="largest">The largest v so far (AMSGrad), zero before the first step; null for plain Adam.</param>
    /// <param name="settings">Rates and the number of the step.</param>
    /// <exception cref="ShapeException">The shapes differ.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The step is below 1, or a rate of decay is not within [0, 1).</exception>
    /// <remarks>Kingma and Ba 2015, <see href="https://arxiv.org/abs/1412.6980"/>, algorithm 1; Reddi et al. 2018, <see href="https://arxiv.org/abs/1904.09237"/>, in PyTorch's form.</remarks>
    public static void AdamStep(Tensor parameter, Tensor grad, Tensor m, Tensor v, Tensor? largest, AdamSettings settings)
    {
        ThrowUnlessAlike(parameter, nameof(AdamStep), (grad, nameof(grad)), (m, nameof(m)), (v, nameof(v)), (largest, nameof(largest)));
        ThrowUnlessValid(settings);
        parameter.Backend.AdamStep(parameter, grad, m, v, largest, settings);
    }
}

public abstract partial class Backend
{
    /// <summary>Kernel of <see cref="Updates.AdamStep"/>.</summary>
    public abstract void AdamStep(Tensor parameter, Tensor grad, Tensor m, Tensor v, Tensor? largest, AdamSettings settings);
}
