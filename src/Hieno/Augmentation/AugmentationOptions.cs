namespace Hieno.Augmentation;

/// <summary>Settings of an augmentation: an entry of <c>data.augment</c> in a recipe. Each has a record of its own, with its name in <see cref="BuiltInAugmentations"/>.</summary>
public abstract record AugmentationOptions
{
    private protected AugmentationOptions()
    {
    }
}

/// <summary>Settings of an augmentation that changes one picture at a time.</summary>
public abstract record PictureAugmentationOptions : AugmentationOptions
{
    /// <summary>Makes the augmentation.</summary>
    public abstract IPictureAugmentation Create();
}

/// <summary>Settings of an augmentation that mixes the pictures of a batch, and with them what they are to be taken for.</summary>
public abstract record MixingOptions : AugmentationOptions
{
    /// <summary>Makes the augmentation.</summary>
    public abstract IMixing Create();
}
