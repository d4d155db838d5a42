using Hieno.Formats.Images;

namespace Hieno.Augmentation;

/// <summary>Changes one picture at random, so that the network never sees the same one twice.</summary>
public interface IPictureAugmentation
{
    /// <summary>
    /// Whether it makes pictures of any size as large as the model reads them. Where it is the first of a list it is given pictures as they are in the file;
    /// all others are given pictures of the model's size.
    /// </summary>
    bool Resizes => false;

    /// <summary>The changed picture.</summary>
    /// <param name="image">1 or 3 channels, as many as the model reads. It must not be written into.</param>
    /// <param name="context">The model's size, and the random draws of this picture in this pass.</param>
    /// <returns>A picture of the model's size and as many channels; <paramref name="image"/> itself where nothing changes.</returns>
    Image Apply(Image image, AugmentationContext context);
}
