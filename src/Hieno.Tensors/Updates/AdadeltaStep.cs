namespace Hieno.Tensors;

/// <summary>What one step of Adadelta is told.</summary>
public sealed record AdadeltaSettings : StepSettings
{
    /// <summary>Decay rate ρ of the means. Default 0.9.</summary>
    public double Rho { get; init; } = 0.9;

    /// <summary>Added under the roots. Default 1e-6.</summary>
    public double Epsilon { get; init; } = 1e-6;

    /// <inheritdoc/>
    internal override IEnumerable<double> DecayRates => [Rho];
}

public static partial class Updates
{
    /// <summary>
    /// One step of Adadelta, with g = scale · grad + λ·w: v ← ρ·v + (1 − ρ)·g², d = √(u + ε) / √(v + ε)·g, u ← ρ·u + (1 − ρ)·d², w ← w − η·d.
    /// </summary>
    /// <param name="parameter">The weights w, 32-bit.</param>
    /// <param name="grad">Their gradient, same shape.</param>
    /// <param name="v">Mean of the squared gradients, zero before the first step.</param>
    /// <param name="u">Mean of the squared changes, zero before the first step.</param>
    /// <param name="settings">Rates and the number of the step.</param>
    /// <exception cref="ShapeException">The shapes differ.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The step is below 1, or a rate of decay is not within [0, 1).</exception>
    /// <remarks>Zeiler 2012, <see href="https://arxiv.org/abs/1212.5701"/>, algorithm 1, with PyTorch's η and λ.</remarks>
    public static void AdadeltaStep(Tensor parameter, Tensor grad, Tensor v, Tensor u, AdadeltaSettings settings)
    {
        ThrowUnlessAlike(parameter, nameof(AdadeltaStep), (grad, nameof(grad)), (v, nameof(v)), (u, nameof(u)));
        ThrowUnlessValid(settings);
        parameter.Backend.AdadeltaStep(parameter, grad, v, u, settings);
    }
}

public abstract partial class Backend
{
    /// <summary>Kernel of <see cref="Updates.AdadeltaStep"/>.</summary>
    public abstract void AdadeltaStep(Tensor parameter, Tensor grad, Tensor v, Tensor u, AdadeltaSettings settings);
}
