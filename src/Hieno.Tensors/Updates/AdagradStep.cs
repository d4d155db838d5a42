namespace Hieno.Tensors;

/// <summary>What one step of Adagrad is told.</summary>
public sealed record AdagradSettings : StepSettings
{
    /// <summary>δ: the step size falls as η / (1 + (t − 1)·δ). Default 0: not at all.</summary>
    public double RateDecay { get; init; }

    /// <summary>Added to the root. Default 1e-10.</summary>
    public double Epsilon { get; init; } = 1e-10;
}

public static partial class Updates
{
    /// <summary>
    /// One step of Adagrad, with g = scale · grad + λ·w: s ← s + g², w ← w − η / (1 + (t − 1)·δ)·g / (√s + ε).
    /// </summary>
    /// <param name="parameter">The weights w, 32-bit.</param>
    /// <param name="grad">Their gradient, same shape.</param>
    /// <param name="sum">Sum s of the squared gradients, with its first value before the first step.</param>
    /// <param name="settings">Rates and the number of the step.</param>
    /// <exception cref="ShapeException">The shapes differ.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The step is below 1.</exception>
    /// <remarks>Duchi et al. 2011, "Adaptive subgradient methods", Journal of Machine Learning Research 12, in PyTorch's form.</remarks>
    public static void AdagradStep(Tensor parameter, Tensor grad, Tensor sum, AdagradSettings settings)
    {
        ThrowUnlessAlike(parameter, nameof(AdagradStep), (grad, nameof(grad)), (sum, nameof(sum)));
        ThrowUnlessValid(settings);
        parameter.Backend.AdagradStep(parameter, grad, sum, settings);
    }
}

public abstract partial class Backend
{
    /// <summary>Kernel of <see cref="Updates.AdagradStep"/>.</summary>
    public abstract void AdagradStep(Tensor parameter, Tensor grad, Tensor sum, AdagradSettings settings);
}
