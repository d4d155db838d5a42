namespace Hieno.Tensors;

/// <summary>What one step of Adam-mini is told.</summary>
public sealed record AdamMiniSettings : StepSettings
{
    /// <summary>Decay rate of the mean of the gradients. Default 0.9.</summary>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>Decay rate of the blocks' mean squares. Default 0.999.</summary>
    public double Beta2 { get; init; } = 0.999;

    /// <summary>Added to the root of the second mean. Default 1e-8.</summary>
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>True where each column is a block, not each row. Default false.</summary>
    public bool ByColumn { get; init; }

    /// <inheritdoc/>
    internal override IEnumerable<double> DecayRates => [Beta1, Beta2];
}

public static partial class Updates
{
    /// <summary>
    /// One step of Adam-mini for w [R, C], whose rows (or columns) are blocks with one step size each, with g = scale · grad:
    /// m ← β₁·m + (1 − β₁)·g, v ← β₂·v + (1 − β₂)·(the mean of g² over the block),
    /// w ← w − η·(m / (1 − β₁ᵗ) / (√(v / (1 − β₂ᵗ)) + ε) + λ·w).
    /// </summary>
    /// <param name="parameter">The weights w, 32-bit.</param>
    /// <param name="grad">Their gradient, same shape.</param>
    /// <param name="m">Mean of the gradients, same shape, zero before the first step.</param>
    /// <param name="v">Mean of the blocks' mean squares, [R] or [C], zero before the first step.</param>
    /// <param name="settings">Rates and the number of the step.</param>
    /// <exception cref="ShapeException">The shapes differ.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The step is below 1, or a rate of decay is not within [0, 1).</exception>
    /// <remarks>Zhang et al. 2024, <see href="https://arxiv.org/abs/2406.16793"/>, algorithm 1.</remarks>
    public static void AdamMiniStep(Tensor parameter, Tensor grad, Tensor m, Tensor v, AdamMiniSettings settings)
    {
        ThrowUnlessAlike(parameter, nameof(AdamMiniStep), (grad, nameof(grad)), (m, nameof(m)));
        ThrowUnlessValid(settings);
        ArgumentNullException.ThrowIfNull(v);
        ShapeException.ThrowIfNot(v, [settings.ByColumn ? parameter.Columns : parameter.Rows], nameof(AdamMiniStep));
        parameter.Backend.AdamMiniStep(parameter, grad, m, v, settings);
    }
}

public abstract partial class Backend
{
    /// <summary>Kernel of <see cref="Updates.AdamMiniStep"/>.</summary>
    public abstract void AdamMiniStep(Tensor parameter, Tensor grad, Tensor m, Tensor v, AdamMiniSettings settings);
}
