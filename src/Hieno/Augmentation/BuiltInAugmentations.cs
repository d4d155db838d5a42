using Hieno.Recipes;

namespace Hieno.Augmentation;

/// <summary>The one list of all augmentations that are built in, by the names that recipes use.</summary>
public static class BuiltInAugmentations
{
    /// <summary>Adds all of them to a catalog.</summary>
    /// <param name="kinds">The catalog.</param>
    /// <returns>The catalog.</returns>
    public static KindCatalog AddTo(KindCatalog kinds)
    {
        ArgumentNullException.ThrowIfNull(kinds);
        return kinds
            .Add<AugmentationOptions, RandomResizedCropOptions>("random-resized-crop")
            .Add<AugmentationOptions, RandomCropOptions>("random-crop")
            .Add<AugmentationOptions, HorizontalFlipOptions>("horizontal-flip")
            .Add<AugmentationOptions, VerticalFlipOptions>("vertical-flip")
            .Add<AugmentationOptions, ColorJitterOptions>("color-jitter")
            .Add<AugmentationOptions, RandomGrayscaleOptions>("random-grayscale")
            .Add<AugmentationOptions, RandomRotationOptions>("rotation")
            .Add<AugmentationOptions, RandAugmentOptions>("randaugment")
            .Add<AugmentationOptions, RandomErasingOptions>("random-erasing")
            .Add<AugmentationOptions, MixupOptions>("mixup")
            .Add<AugmentationOptions, CutMixOptions>("cutmix");
    }
}
