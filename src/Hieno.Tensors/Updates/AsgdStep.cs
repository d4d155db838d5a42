namespace Hieno.Tensors;

/// <summary>What one step of averaged gradient descent is told.</summary>
public sealed record AsgdSettings : StepSettings
{
    /// <summary>λ of the step size, which falls as η / (1 + λ·η·(t − 1))^α, and a decay of the weights of η·λ. Default 1e-4.</summary>
    public double Lambda { get; init; } = 1e-4;

    /// <summary>α of the step size. Default 0.75.</summary>
    public double Alpha { get; init; } = 0.75;

    /// <summary>Steps before the average begins. Default 0.</summary>
    public int AverageFrom { get; init; }
}

public static partial class Updates
{
    /// <summary>
    /// One step of averaged gradient descent, with g = scale · grad + λ_w·w and ηₜ = η / (1 + λ·η·(t − 1))^α:
    /// w ← (1 − λ·ηₜ)·w − ηₜ·g, then the average moves by (w − average) / max(1, t − 1 − from), which is the mean over all steps since then.
    /// </summary>
    /// <param name="parameter">The weights w, 32-bit.</param>
    /// <param name="grad">Their gradient, same shape.</param>
    /// <param name="average">The mean of the weights; its content before the first step does not matter.</param>
    /// <param name="settings">Rates and the number of the step.</param>
    /// <exception cref="ShapeException">The shapes differ.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The step is below 1.</exception>
    /// <remarks>Polyak and Juditsky 1992, "Acceleration of stochastic approximation by averaging", in PyTorch's form.</remarks>
    public static void AsgdStep(Tensor parameter, Tensor grad, Tensor average, AsgdSettings settings)
    {
        ThrowUnlessAlike(parameter, nameof(AsgdStep), (grad, nameof(grad)), (average, nameof(average)));
        ThrowUnlessValid(settings);
        parameter.Backend.AsgdStep(parameter, grad, average, settings);
    }
}

public abstract partial class Backend
{
    /// <summary>Kernel of <see cref="Updates.AsgdStep"/>.</summary>
    public abstract void AsgdStep(Tensor parameter, Tensor grad, Tensor average, AsgdSettings settings);
}
