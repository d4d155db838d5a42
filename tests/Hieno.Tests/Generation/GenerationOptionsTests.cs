using Hieno.Generation;
using Hieno.Recipes;

namespace Hieno.Tests.Generation;

public class GenerationOptionsTests
{
    [Fact]
    public void A_recipe_section_is_read_into_the_options()
    {
        var options = RecipeFile.Parse<GenerationOptions>(
            "maxNewTokens: 32\ntemperature: 0.7\nstop: [END, \"\\n\\n\"]\nseed: 9\n", "recipe.yaml", RecipeFormat.Yaml, new KindCatalog()).Value;
        Assert.Equal((32, 0.7f, 9UL), (options.MaxNewTokens, options.Temperature, options.Seed));
        Assert.Equal(["END", "\n\n"], options.Stop);
        Assert.Null(options.TopP);
    }

    [Fact]
    public void Ranges_and_rules_hold_for_options_made_in_code()
    {
        TextGenerator generator = TinyModels.Scripted("x");
        var faulty = new GenerationOptions { TopP = 1.5f, MinNewTokens = 5, MaxNewTokens = 3, Stop = [""] };
        var error = Assert.Throws<ArgumentException>(() => generator.Stream("a", faulty));
        Assert.Contains("TopP", error.Message, StringComparison.Ordinal);
        Assert.Contains("minNewTokens", error.Message, StringComparison.Ordinal);
        Assert.Contains("stop", error.Message, StringComparison.Ordinal);
    }
}
