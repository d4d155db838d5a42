namespace Hieno.Augmentation;

/// <summary>Mixes the pictures of a batch with each other.</summary>
public interface IMixing
{
    /// <summary>Draws how.</summary>
    /// <param name="count">Pictures in the batch, at least 2.</param>
    /// <param name="context">The model's size, and the random draws of this batch in this pass.</param>
    /// <returns>Which picture is mixed with which and how much, or null to leave the batch as it is.</returns>
    BatchMix? Draw(int count, AugmentationContext context);
}
