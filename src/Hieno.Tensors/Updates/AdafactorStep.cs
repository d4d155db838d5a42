namespace Hieno.Tensors;

/// <summary>What one step of Adafactor is told; <see cref="StepSettings.LearningRate"/> is the absolute step size α.</summary>
public sealed record AdafactorSettings : StepSettings
{
    /// <summary>β₂ₜ = 1 − t^γ: this step's decay rate of the means of squares. Default 0: the first step's.</summary>
    public double Beta2 { get; init; }

    /// <summary>β₁: decay rate of the mean of the changes, where one is kept. Default 0.</summary>
    public double Beta1 { get; init; }

    /// <summary>ε₁: added to the squared gradients. Default 1e-30.</summary>
    public double Epsilon { get; init; } = 1e-30;

    /// <summary>d: changes whose root mean square is above this are scaled down to it. Default 1.</summary>
    public double ClipThreshold { get; init; } = 1;

    /// <inheritdoc/>
    internal override IEnumerable<double> DecayRates => [Beta1, Beta2];
}

public static partial class Updates
{
    /// <summary>
    /// One step of Adafactor for w [R, C], with g = scale · grad: r ← β₂·r + (1 − β₂)·(the mean of g² over each row + ε₁), c the same over columns,
    /// u = g / √(r·cᵀ / mean(r)), u ← α·u / max(1, RMS(u) / d), w ← (1 − α·λ)·w − u; with a mean m ← β₁·m + (1 − β₁)·u in place of u.
    /// </summary>
    /// <param name="parameter">The weights w, 32-bit.</param>
    /// <param name="grad">Their gradient, same shape.</param>
    /// <param name="rows">r, [R], zero before the first step; null where w is one row, which c then describes element by element.</param>
    /// <param name="columns">c, [C], zero before the first step.</param>
    /// <param name="mean">m, shaped like w, zero before the first step; null for none.</param>
    /// <param name="settings">Rates and the number of the step.</param>
    /// <exception cref="ShapeException">The shapes differ.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The step is below 1, or a rate of decay is not within [0, 1).</exception>
    /// <remarks>Shazeer and Stern 2018, <see href="https://arxiv.org/abs/1804.04235"/>, algorithms 4 and 5.</remarks>
    public static void AdafactorStep(Tensor parameter, Tensor grad, Tensor? rows, Tensor columns, Tensor? mean, AdafactorSettings settings)
    {
        ThrowUnlessAlike(parameter, nameof(AdafactorStep), (grad, nameof(grad)), (mean, nameof(mean)));
        ThrowUnlessValid(settings);
        ArgumentNullException.ThrowIfNull(columns);
        ShapeException.ThrowIfNot(columns, [parameter.Columns], nameof(AdafactorStep));
        if (rows is not null)
        {
            ShapeException.ThrowIfNot(rows, [parameter.Rows], nameof(AdafactorStep));
        }

        ShapeException.ThrowUnless(rows is not null || parameter.Rows == 1, $"AdafactorStep: {parameter.Shape} has {parameter.Rows} rows, which need a mean each.");
        parameter.Backend.AdafactorStep(parameter, grad, rows, columns, mean, settings);
    }
}

public abstract partial class Backend
{
    /// <summary>Kernel of <see cref="Updates.AdafactorStep"/>.</summary>
    public abstract void AdafactorStep(Tensor parameter, Tensor grad, Tensor? rows, Tensor columns, Tensor? mean, AdafactorSettings settings);
}
