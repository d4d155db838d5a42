using System.Text.Json.Nodes;
using Hieno.Recipes;

namespace Hieno.Tests.Recipes;

// What holds for every built-in setting and kind, of today and of tomorrow.
public class RecipeTests
{
    private const string Least = "{ base: m, task: sft, data: { train: a.jsonl }, tuning: lora, output: o }"; // an adapter, as a quantised base needs one
    private static readonly KindCatalog Catalog = BuiltIns.Kinds();
    private static readonly SettingsReference Reference = SettingsReference.Of<Recipe>(Catalog);

    [Fact]
    public void Every_setting_and_kind_is_described()
    {
        Assert.Empty(Reference.MissingDocumentation);
        Assert.Empty(Reference.Settings.Where(s => s.Description.StartsWith("(no description", StringComparison.Ordinal)).Select(s => s.Path));
        Assert.Empty(Reference.Kinds.Where(k => k.Description.StartsWith("(no description", StringComparison.Ordinal)).Select(k => k.Kind));
    }

    [Fact]
    public void Every_default_is_within_its_own_range_and_written_so_that_it_reads_back()
    {
        foreach (var kind in Kinds)
        {
            var recipe = Read(Least, FlagsFor(kind));

            Assert.Equal(recipe, Read(RecipeWriter.ToYaml(recipe, Catalog)));
            Assert.Equal(recipe, RecipeFile.Parse<Recipe>(RecipeWriter.ToJson(recipe, Catalog), "r.json", RecipeFormat.Json, Catalog).Value);
        }
    }

    [Fact]
    public void Every_written_recipe_is_valid_by_the_schema()
    {
        var check = new JsonSchemaCheck(JsonNode.Parse(RecipeSchema.Of<Recipe>(Catalog).ToJsonString())!.AsObject());
        foreach (var kind in Kinds)
        {
            string json = RecipeWriter.ToJson(Read(Least, FlagsFor(kind)), Catalog);
            Assert.True(check.Accepts(JsonNode.Parse(json)), json);
        }
    }

    // Methods in a list of methods are the same kinds once more; an optimizer inside galore may be refused by it, and is tested there.
    private static IEnumerable<KindEntry> Kinds => Reference.Kinds.Where(kind => kind.Path is not ("tuning.methods" or "training.optimizer.inner"));

    private static string[] FlagsFor(KindEntry kind) =>
        [$"--{kind.Path}", kind.Kind, .. kind.Kind == "several" ? ["--tuning.methods", "[{kind: lora, rank: 4}, norms]"] : Array.Empty<string>()];

    private static Recipe Read(string yaml, params string[] args) =>
        RecipeFile.Parse<Recipe>(yaml, "r.yaml", RecipeFormat.Yaml, Catalog, RecipeOverrides.Parse(args)).Value;
}
