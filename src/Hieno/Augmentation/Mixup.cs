using System.ComponentModel.DataAnnotations;

namespace Hieno.Augmentation;

/// <summary>Settings of <see cref="Mixup"/>.</summary>
public sealed record MixupOptions : MixingOptions
{
    /// <summary>α: small keeps most pictures nearly as they are, 1 makes every mix as likely. Default 0.2.</summary>
    [Range(0.001, 100.0)]
    public double Alpha { get; init; } = 0.2;

    /// <summary>How often a batch is mixed. Default 1.</summary>
    [Range(0.0, 1.0)]
    public double Probability { get; init; } = 1;

    /// <inheritdoc/>
    public override IMixing Create() => new Mixup(this);
}

/// <summary>Each picture is blended with another one of the batch, λ to 1 − λ with λ of Beta(α, α), and its target with it.</summary>
/// <remarks>Zhang et al. 2017, <see href="https://arxiv.org/abs/1710.09412"/>, section 2: one λ and one random order of the batch for a step.</remarks>
public sealed class Mixup(MixupOptions options) : IMixing
{
    /// <inheritdoc/>
    public BatchMix? Draw(int count, AugmentationContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return context.Random.Chance(options.Probability) ? new BatchMix(context.Random.Permutation(count), context.Random.Beta(options.Alpha)) : null;
    }
}
