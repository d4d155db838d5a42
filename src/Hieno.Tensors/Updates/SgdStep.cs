namespace Hieno.Tensors;

/// <summary>What one step of gradient descent is told.</summary>
public readonly record struct SgdSettings
{
    /// <summary>Plain gradient descent.</summary>
    public SgdSettings()
    {
    }

    /// <summary>Step size η. Default 1e-3.</summary>
    public double LearningRate { get; init; } = 1e-3;

    /// <summary>Share μ of the momentum that is kept. Default 0.</summary>
    public double Momentum { get; init; }

    /// <summary>Share τ of the gradient that does not enter the momentum. Default 0.</summary>
    public double Dampening { get; init; }

    /// <summary>True looks ahead along the momentum (Nesterov). Default false.</summary>
    public bool Nesterov { get; init; }

    /// <summary>Weight decay λ, added to the gradient. Default 0.</summary>
    public double WeightDecay { get; init; }

    /// <summary>The number of this step, counted from 1: the first fills the momentum with the gradient, undampened. Default 1.</summary>
    public int Step { get; init; } = 1;

    /// <summary>Every gradient is multiplied by this first: clipping, and the mean over micro-batches. Default 1.</summary>
    public float GradScale { get; init; } = 1f;
}

public static partial class Updates
{
    /// <summary>
    /// One step of gradient descent with momentum, as PyTorch defines it, with g = scale · grad + λ·w:
    /// b ← μ·b + (1 − τ)·g (b ← g in the first step), w ← w − η·b; with Nesterov w ← w − η·(g + μ·b); without momentum w ← w − η·g.
    /// </summary>
    /// <param name="parameter">The weights w, 32-bit.</param>
    /// <param name="grad">Their gradient, same shape.</param>
    /// <param name="momentum">The momentum b, same shape; null where <see cref="SgdSettings.Momentum"/> is 0.</param>
    /// <param name="settings">Rates and the number of the step.</param>
    /// <exception cref="ShapeException">The shapes differ.</exception>
    /// <exception cref="ArgumentException">There is momentum, but no tensor to hold it; or Nesterov without momentum or with dampening.</exception>
    public static void SgdStep(Tensor parameter, Tensor grad, Tensor? momentum, in SgdSettings settings)
    {
        ThrowUnlessAlike(parameter, nameof(SgdStep), (grad, nameof(grad)), (momentum, nameof(momentum)));
        ArgumentOutOfRangeException.ThrowIfLessThan(settings.Step, 1, nameof(settings));
        if (settings.Momentum != 0 && momentum is null)
        {
            throw new ArgumentException($"SgdStep: a momentum of {settings.Momentum} needs a tensor to be kept in.", nameof(momentum));
        }

        if (settings.Nesterov && (settings.Momentum <= 0 || settings.Dampening != 0))
        {
            throw new ArgumentException(
                $"SgdStep: Nesterov's step needs a positive momentum and no dampening; they are {settings.Momentum} and {settings.Dampening}.",
                nameof(settings));
        }

        parameter.Backend.SgdStep(parameter, grad, settings.Momentum == 0 ? null : momentum, settings);
    }
}

public abstract partial class Backend
{
    /// <summary>Kernel of <see cref="Updates.SgdStep"/>; null momentum means none.</summary>
    public abstract void SgdStep(Tensor parameter, Tensor grad, Tensor? momentum, in SgdSettings settings);
}
