namespace Hieno.Tensors;

/// <summary>What one step of Rprop is told.</summary>
public sealed record RpropSettings : StepSettings
{
    /// <summary>η⁻: a weight whose gradient changed its sign steps this many times as far. Default 0.5.</summary>
    public double Shrink { get; init; } = 0.5;

    /// <summary>η⁺: a weight whose gradient kept its sign steps this many times as far. Default 1.2.</summary>
    public double Grow { get; init; } = 1.2;

    /// <summary>The smallest step, as a multiple of the rate. Default 1e-4.</summary>
    public double Least { get; init; } = 1e-4;

    /// <summary>The largest step, as a multiple of the rate. Default 5000.</summary>
    public double Most { get; init; } = 5000;
}

public static partial class Updates
{
    /// <summary>
    /// One step of Rprop, which reads only the sign of g = grad: s ← s·η⁺ where g has the sign of the last one, s·η⁻ where it has the other, within the limits;
    /// w ← w − η·s·sign(g), but after a change of sign w stays and the gradient counts as 0. There is no weight decay.
    /// </summary>
    /// <param name="parameter">The weights w, 32-bit.</param>
    /// <param name="grad">Their gradient, same shape.</param>
    /// <param name="last">The gradient of the step before, zero before the first.</param>
    /// <param name="size">Each weight's step s as a multiple of the rate, 1 before the first step.</param>
    /// <param name="settings">Rates and the number of the step.</param>
    /// <exception cref="ShapeException">The shapes differ.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The step is below 1.</exception>
    /// <remarks>Riedmiller and Braun 1993, "A direct adaptive method for faster backpropagation learning: the RPROP algorithm", section D, in PyTorch's form; s multiplies the rate, so that schedules apply.</remarks>
    public static void RpropStep(Tensor parameter, Tensor grad, Tensor last, Tensor size, RpropSettings settings)
    {
        ThrowUnlessAlike(parameter, nameof(RpropStep), (grad, nameof(grad)), (last, nameof(last)), (size, nameof(size)));
        ThrowUnlessValid(settings);
        parameter.Backend.RpropStep(parameter, grad, last, size, settings);
    }
}

public abstract partial class Backend
{
    /// <summary>Kernel of <see cref="Updates.RpropStep"/>.</summary>
    public abstract void RpropStep(Tensor parameter, Tensor grad, Tensor last, Tensor size, RpropSettings settings);
}
