using Hieno.Augmentation;
using Hieno.Recipes;

namespace Hieno.Tests.Augmentation;

public sealed class BuiltInAugmentationsTests
{
    [Fact]
    public void Every_augmentation_can_be_named_in_a_recipe_and_is_written_as_it_was_read()
    {
        KindCatalog kinds = BuiltIns.Kinds();
        string[] names = [.. kinds.KindsOf(typeof(AugmentationOptions)).Select(kind => kind.Key)];
        Assert.Equal(11, names.Length);
        string list = string.Join(", ", names.Select(name => name == "color-jitter" ? "{ kind: color-jitter, brightness: 0.4 }" : name));
        Augmented read = RecipeFile.Parse<Augmented>($"augment: [{list}]", "recipe.yaml", RecipeFormat.Yaml, kinds).Value;
        Assert.Equal(names, read.Augment.Select(options => kinds.KindOf(typeof(AugmentationOptions), options.GetType())));
        Assert.Equal(read.Augment, RecipeFile.Parse<Augmented>(RecipeWriter.ToYaml(read, kinds), "again.yaml", RecipeFormat.Yaml, kinds).Value.Augment);
    }

    [Theory]
    [InlineData("{ kind: color-jitter, brightness: 0, contrast: 0, saturation: 0 }", "changes nothing")]
    [InlineData("{ kind: rotation, degrees: 200 }", "180")]
    [InlineData("{ kind: rotation, filter: lanczos }", "nearest, bilinear")]
    [InlineData("{ kind: mixup, alpha: 0 }", "0.001")]
    [InlineData("{ kind: random-resized-crop, minArea: 0.5, maxArea: 0.2 }", "minArea' is 0.5, more than the 0.2")]
    [InlineData("{ kind: random-erasing, minRatio: 4 }", "minRatio' is 4, more than the 3.3")]
    public void A_setting_out_of_range_is_refused_with_what_is_allowed(string entry, string part)
    {
        var error = Assert.Throws<RecipeException>(() => RecipeFile.Parse<Augmented>($"augment: [{entry}]", "recipe.yaml", RecipeFormat.Yaml, BuiltIns.Kinds()));
        Assert.Contains(part, error.Message, StringComparison.Ordinal);
    }

    private sealed record Augmented
    {
        public required IReadOnlyList<AugmentationOptions> Augment { get; init; }
    }
}
