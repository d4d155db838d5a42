namespace Hieno.Tensors;

/// <summary>What one step of any optimizer is told; rates in double precision, because 1 − β₂ and βᵗ lose digits in single precision.</summary>
public abstract record StepSettings
{
    /// <summary>Step size η. Default 1e-3.</summary>
    public double LearningRate { get; init; } = 1e-3;

    /// <summary>Weight decay λ; whether it is added to the gradient or taken off the weight is said with each step. Default 0.</summary>
    public double WeightDecay { get; init; }

    /// <summary>The number t of this step, counted from 1. Default 1.</summary>
    public int Step { get; init; } = 1;

    /// <summary>Every gradient is multiplied by this first: clipping, and the mean over micro-batches. Default 1.</summary>
    public float GradScale { get; init; } = 1f;

    /// <summary>The decay rates (betas) among the settings, each of which must be within [0, 1).</summary>
    internal virtual IEnumerable<double> DecayRates => [];
}

public static partial class Updates
{
    private static void ThrowUnlessValid(StepSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        ArgumentOutOfRangeException.ThrowIfLessThan(settings.Step, 1, nameof(settings));
        foreach (double decay in settings.DecayRates)
        {
            ThrowUnlessBelowOne(decay, nameof(settings));
        }
    }
}
