namespace Hieno.Tensors;

/// <summary>What one step of AdamW is told; rates in double precision, because 1 − β₂ and βᵗ lose digits in single precision.</summary>
public readonly record struct AdamWSettings
{
    /// <summary>The defaults of the paper and of PyTorch; <see cref="Step"/> must be set.</summary>
    public AdamWSettings()
    {
    }

    /// <summary>Step size η. Default 1e-3.</summary>
    public double LearningRate { get; init; } = 1e-3;

    /// <summary>Decay rate of the mean of the gradients. Default 0.9.</summary>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>Decay rate of the mean of their squares. Default 0.999.</summary>
    public double Beta2 { get; init; } = 0.999;

    /// <summary>Added to the root of the second mean. Default 1e-8.</summary>
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>Decoupled weight decay λ; PyTorch's default is 0.01. Default 0.</summary>
    public double WeightDecay { get; init; }

    /// <summary>The number t of this step, counted from 1.</summary>
    public int Step { get; init; }

    /// <summary>Every gradient is multiplied by this first: clipping, and the mean over micro-batches. Default 1.</summary>
    public float GradScale { get; init; } = 1f;
}

/// <summary>Changes of weights in place, outside any tape: what optimizers are made of.</summary>
public static partial class Updates
{
    /// <summary>
    /// One step of AdamW in one pass over memory, with g = scale · grad:
    /// m ← β₁·m + (1 − β₁)·g, v ← β₂·v + (1 − β₂)·g²,
    /// w ← w − η·(m / (1 − β₁ᵗ) / (√(v / (1 − β₂ᵗ)) + ε) + λ·w).
    /// </summary>
    /// <param name="parameter">The weights w, 32-bit.</param>
    /// <param name="grad">Their gradient, same shape.</param>
    /// <param name="m">Mean of the gradients, zero before the first step.</param>
    /// <param name="v">Mean of the squared gradients, zero before the first step.</param>
    /// <param name="settings">Rates and the number of the step.</param>
    /// <exception cref="ShapeException">The shapes differ.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The step is below 1, or a rate of decay is not within [0, 1).</exception>
    /// <remarks>Loshchilov and Hutter 2019, <see href="https://arxiv.org/abs/1711.05101"/>, algorithm 2.</remarks>
    public static void AdamWStep(Tensor parameter, Tensor grad, Tensor m, Tensor v, in AdamWSettings settings)
    {
        ThrowUnlessAlike(parameter, nameof(AdamWStep), (grad, nameof(grad)), (m, nameof(m)), (v, nameof(v)));
        ArgumentOutOfRangeException.ThrowIfLessThan(settings.Step, 1, nameof(settings));
        ThrowUnlessBelowOne(settings.Beta1, nameof(settings));
        ThrowUnlessBelowOne(settings.Beta2, nameof(settings));
        parameter.Backend.AdamWStep(parameter, grad, m, v, settings);
    }

    private static void ThrowUnlessBelowOne(double decay, string name)
    {
        if (!(decay >= 0 && decay < 1))
        {
            throw new ArgumentOutOfRangeException(name, decay, "A rate of decay (beta) must be within [0, 1).");
        }
    }

    private static void ThrowUnlessAlike(Tensor parameter, string op, params ReadOnlySpan<(Tensor? Tensor, string Name)> others)
    {
        ArgumentNullException.ThrowIfNull(parameter);
        DTypes.ThrowIfNotF32(parameter, op);
        foreach ((Tensor? tensor, string name) in others)
        {
            if (tensor is not null)
            {
                ShapeException.ThrowIfNot(tensor, parameter.Shape, op, name);
                DTypes.ThrowIfNotF32(tensor, op, name);
            }
        }
    }
}

public abstract partial class Backend
{
    /// <summary>Kernel of <see cref="Updates.AdamWStep"/>.</summary>
    public abstract void AdamWStep(Tensor parameter, Tensor grad, Tensor m, Tensor v, in AdamWSettings settings);
}
