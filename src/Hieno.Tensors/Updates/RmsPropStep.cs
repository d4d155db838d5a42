namespace Hieno.Tensors;

/// <summary>What one step of RMSprop is told.</summary>
public sealed record RmsPropSettings : StepSettings
{
    /// <summary>Decay rate α of the mean of squares. Default 0.99.</summary>
    public double Alpha { get; init; } = 0.99;

    /// <summary>Share μ of the momentum that is kept. Default 0.</summary>
    public double Momentum { get; init; }

    /// <summary>Added to the root of the mean. Default 1e-8.</summary>
    public double Epsilon { get; init; } = 1e-8;

    /// <inheritdoc/>
    internal override IEnumerable<double> DecayRates => [Alpha, Momentum];
}

public static partial class Updates
{
    /// <summary>
    /// One step of RMSprop, with g = scale · grad + λ·w: v ← α·v + (1 − α)·g², d = g / (√v + ε), w ← w − η·d.
    /// Centred, h ← α·h + (1 − α)·g and the root is that of v − h²; with momentum b ← μ·b + d, w ← w − η·b.
    /// </summary>
    /// <param name="parameter">The weights w, 32-bit.</param>
    /// <param name="grad">Their gradient, same shape.</param>
    /// <param name="v">Mean of the squared gradients, zero before the first step.</param>
    /// <param name="mean">Mean h of the gradients, zero before the first step; null for the form that is not centred.</param>
    /// <param name="momentum">The momentum b, zero before the first step; null for none.</param>
    /// <param name="settings">Rates and the number of the step.</param>
    /// <exception cref="ShapeException">The shapes differ.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The step is below 1, or a rate of decay is not within [0, 1).</exception>
    /// <remarks>Tieleman and Hinton 2012, "Lecture 6.5: RMSprop"; centred: Graves 2013, <see href="https://arxiv.org/abs/1308.0850"/>, equations 38 to 41; in PyTorch's form.</remarks>
    public static void RmsPropStep(Tensor parameter, Tensor grad, Tensor v, Tensor? mean, Tensor? momentum, RmsPropSettings settings)
    {
        ThrowUnlessAlike(parameter, nameof(RmsPropStep), (grad, nameof(grad)), (v, nameof(v)), (mean, nameof(mean)), (momentum, nameof(momentum)));
        ThrowUnlessValid(settings);
        parameter.Backend.RmsPropStep(parameter, grad, v, mean, momentum, settings);
    }
}

public abstract partial class Backend
{
    /// <summary>Kernel of <see cref="Updates.RmsPropStep"/>.</summary>
    public abstract void RmsPropStep(Tensor parameter, Tensor grad, Tensor v, Tensor? mean, Tensor? momentum, RmsPropSettings settings);
}
