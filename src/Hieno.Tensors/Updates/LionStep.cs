namespace Hieno.Tensors;

/// <summary>What one step of Lion is told.</summary>
public sealed record LionSettings : StepSettings
{
    /// <summary>Share of the momentum in the direction of the step. Default 0.9.</summary>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>Decay rate of the momentum. Default 0.99.</summary>
    public double Beta2 { get; init; } = 0.99;

    /// <inheritdoc/>
    internal override IEnumerable<double> DecayRates => [Beta1, Beta2];
}

public static partial class Updates
{
    /// <summary>
    /// One step of Lion, with g = scale · grad: w ← w − η·(sign(β₁·m + (1 − β₁)·g) + λ·w), then m ← β₂·m + (1 − β₂)·g.
    /// </summary>
    /// <param name="parameter">The weights w, 32-bit.</param>
    /// <param name="grad">Their gradient, same shape.</param>
    /// <param name="m">The momentum, zero before the first step.</param>
    /// <param name="settings">Rates and the number of the step.</param>
    /// <exception cref="ShapeException">The shapes differ.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The step is below 1, or a rate of decay is not within [0, 1).</exception>
    /// <remarks>Chen et al. 2023, <see href="https://arxiv.org/abs/2302.06675"/>, algorithm 2.</remarks>
    public static void LionStep(Tensor parameter, Tensor grad, Tensor m, LionSettings settings)
    {
        ThrowUnlessAlike(parameter, nameof(LionStep), (grad, nameof(grad)), (m, nameof(m)));
        ThrowUnlessValid(settings);
        parameter.Backend.LionStep(parameter, grad, m, settings);
    }
}

public abstract partial class Backend
{
    /// <summary>Kernel of <see cref="Updates.LionStep"/>.</summary>
    public abstract void LionStep(Tensor parameter, Tensor grad, Tensor m, LionSettings settings);
}
