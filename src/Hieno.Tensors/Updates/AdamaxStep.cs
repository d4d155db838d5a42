namespace Hieno.Tensors;

/// <summary>What one step of Adamax is told.</summary>
public sealed record AdamaxSettings : StepSettings
{
    /// <summary>Decay rate of the mean of the gradients. Default 0.9.</summary>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>Decay rate of the largest gradient. Default 0.999.</summary>
    public double Beta2 { get; init; } = 0.999;

    /// <summary>Added to each gradient's magnitude. Default 1e-8.</summary>
    public double Epsilon { get; init; } = 1e-8;

    /// <inheritdoc/>
    internal override IEnumerable<double> DecayRates => [Beta1, Beta2];
}

public static partial class Updates
{
    /// <summary>
    /// One step of Adamax, with g = scale · grad + λ·w: m ← β₁·m + (1 − β₁)·g, u ← max(β₂·u, |g| + ε), w ← w − η / (1 − β₁ᵗ)·m / u.
    /// </summary>
    /// <param name="parameter">The weights w, 32-bit.</param>
    /// <param name="grad">Their gradient, same shape.</param>
    /// <param name="m">Mean of the gradients, zero before the first step.</param>
    /// <param name="u">The largest gradient of late, zero before the first step.</param>
    /// <param name="settings">Rates and the number of the step.</param>
    /// <exception cref="ShapeException">The shapes differ.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The step is below 1, or a rate of decay is not within [0, 1).</exception>
    /// <remarks>Kingma and Ba 2015, <see href="https://arxiv.org/abs/1412.6980"/>, algorithm 2, with PyTorch's ε.</remarks>
    public static void AdamaxStep(Tensor parameter, Tensor grad, Tensor m, Tensor u, AdamaxSettings settings)
    {
        ThrowUnlessAlike(parameter, nameof(AdamaxStep), (grad, nameof(grad)), (m, nameof(m)), (u, nameof(u)));
        ThrowUnlessValid(settings);
        parameter.Backend.AdamaxStep(parameter, grad, m, u, settings);
    }
}

public abstract partial class Backend
{
    /// <summary>Kernel of <see cref="Updates.AdamaxStep"/>.</summary>
    public abstract void AdamaxStep(Tensor parameter, Tensor grad, Tensor m, Tensor u, AdamaxSettings settings);
}
