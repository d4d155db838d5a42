using System.Text.Json.Nodes;
using Hieno.Recipes;

namespace Hieno.Tests.Recipes;

public class RecipeSchemaTests
{
    // As an editor sees it: written and read again.
    private static readonly JsonObject Schema = JsonNode.Parse(RecipeSchema.Of<TestRecipe>(TestCatalog.Create()).ToJsonString())!.AsObject();

    [Fact]
    public void Every_written_recipe_is_valid()
    {
        var check = new JsonSchemaCheck(Schema);
        var random = new Random(3);
        for (int i = 0; i < 300; i++)
        {
            string json = RecipeWriter.ToJson(RandomRecipe.Next(random), TestCatalog.Create());
            Assert.True(check.Accepts(JsonNode.Parse(json)), json);
        }
    }

    [Theory]
    [InlineData("""{ "base": "m" }""")]
    [InlineData("""{ "base": "m", "tuning": "lora" }""")]
    [InlineData("""{ "base": "m", "tuning": { "rank": 4 } }""")]
    [InlineData("""{ "base": "m", "tuning": { "kind": "full", "embeddings": false } }""")]
    [InlineData("""{ "base": "m", "metrics": "perplexity", "data": { "train": "a", "validation": "10%" } }""")]
    [InlineData("""{ "base": "m", "metrics": ["perplexity", { "kind": "rouge", "order": 2 }], "data": { "validation": 0.5, "columns": { "a": "b" } } }""")]
    [InlineData("""{ "base": "m", "comment": null, "training": { "schedule": null, "maxSteps": null, "pooling": "weighted-mean" } }""")]
    [InlineData("""{ "base": "m", "training": { "earlyStopping": { "patience": 3 }, "seed": 18446744073709551615 } }""")]
    public void What_the_binder_takes_is_valid(string json)
    {
        Assert.NotNull(RecipeFile.Parse<TestRecipe>(json, "r.json", RecipeFormat.Json, TestCatalog.Create()).Value);
        Assert.True(new JsonSchemaCheck(Schema).Accepts(JsonNode.Parse(json)));
    }

    [Theory]
    [InlineData("""{ }""")]
    [InlineData("""{ "base": null }""")]
    [InlineData("""{ "base": "m", "rank": 4 }""")]
    [InlineData("""{ "base": "m", "tuning": "lroa" }""")]
    [InlineData("""{ "base": "m", "tuning": { "kind": "full", "rank": 4 } }""")]
    [InlineData("""{ "base": "m", "tuning": { "embeddings": true } }""")]
    [InlineData("""{ "base": "m", "tuning": { "rank": 0 } }""")]
    [InlineData("""{ "base": "m", "tuning": { "rank": 1.5 } }""")]
    [InlineData("""{ "base": "m", "tuning": { "rank": "4" } }""")]
    [InlineData("""{ "base": "m", "tuning": { "dropout": 1 } }""")]
    [InlineData("""{ "base": "m", "tuning": { "targets": [] } }""")]
    [InlineData("""{ "base": "m", "training": { "learningRate": 0 } }""")]
    [InlineData("""{ "base": "m", "training": { "batchSize": 0 } }""")]
    [InlineData("""{ "base": "m", "training": { "pooling": "max" } }""")]
    [InlineData("""{ "base": "m", "training": { "precision": "f64" } }""")]
    [InlineData("""{ "base": "m", "training": { "decays": [0.2] } }""")]
    [InlineData("""{ "base": "m", "training": { "packing": "true" } }""")]
    [InlineData("""{ "base": "m", "training": { "earlyStopping": {} } }""")]
    [InlineData("""{ "base": "m", "metrics": "rouge" }""")]
    [InlineData("""{ "base": "m", "metrics": [{ "order": 2 }] }""")]
    [InlineData("""{ "base": "m", "data": { "validation": "some" } }""")]
    [InlineData("""{ "base": "m", "data": { "columns": ["a"] } }""")]
    public void What_the_binder_refuses_is_invalid(string json)
    {
        Assert.Throws<RecipeException>(() => RecipeFile.Parse<TestRecipe>(json, "r.json", RecipeFormat.Json, TestCatalog.Create()));
        Assert.False(new JsonSchemaCheck(Schema).Accepts(JsonNode.Parse(json)));
    }

    [Fact]
    public void Defaults_ranges_and_choices_are_those_of_the_records()
    {
        var rank = Schema["$defs"]!["LoraGroup"]!["properties"]!["rank"]!;

        Assert.Equal((8, 1, 1024), ((int)rank["default"]!, (int)rank["minimum"]!, (int)rank["maximum"]!));
        Assert.Equal("""{"kind":"lora","dropout":0,"rank":8,"alpha":16,"targets":["q_proj","v_proj"]}""", Schema["properties"]!["tuning"]!["default"]!.ToJsonString());
        Assert.Equal("10%", (string?)Schema["$defs"]!["DataGroup"]!["properties"]!["validation"]!["default"]);
        Assert.Equal("""["mean","weighted-mean","last-token","cls"]""", Schema["$defs"]!["TrainingGroup"]!["properties"]!["pooling"]!["enum"]!.ToJsonString());
        Assert.Equal("""["base"]""", Schema["required"]!.ToJsonString());
        Assert.Null(Schema["properties"]!["data"]!["default"]);
    }

    [Fact]
    public void A_group_that_starts_from_other_values_than_its_type_says_them()
    {
        var schema = RecipeSchema.Of<RecipeBinderTests.Outer>(new KindCatalog());

        Assert.Equal("""{"a":10,"b":20}""", schema["properties"]!["inner"]!["default"]!.ToJsonString());
    }

    [Fact]
    public void A_group_that_contains_itself_is_defined_once()
    {
        var schema = RecipeSchema.Of<Tree>(new KindCatalog());
        var check = new JsonSchemaCheck(schema);

        Assert.True(check.Accepts(JsonNode.Parse("""{ "inner": { "inner": { "inner": null } } }""")));
        Assert.False(check.Accepts(JsonNode.Parse("""{ "inner": { "inner": { "outer": null } } }""")));
    }

    [Fact]
    public void A_missing_documentation_file_is_named_in_every_description() =>
        Assert.Equal("(no description: Hieno.Tests.xml is not beside Hieno.Tests.dll)", (string?)Schema["properties"]!["base"]!["description"]);

    [Fact]
    public void Descriptions_come_from_the_documentation_file()
    {
        using var folder = new DocumentationFolder();

        var schema = RecipeSchema.Of(typeof(TestRecipe), TestCatalog.Create(), new XmlSummaries(folder.Path));

        Assert.Equal("Rank of the update; see LoraGroup and null, or true. More.", (string?)schema["$defs"]!["LoraGroup"]!["properties"]!["rank"]!["description"]);
        Assert.Equal("Low rank.", (string?)schema["$defs"]!["LoraGroup"]!["description"]);
        Assert.Equal("Shared by all kinds.", (string?)schema["$defs"]!["FullGroup"]!["properties"]!["dropout"]!["description"]);
        Assert.Equal("(no description in Hieno.Tests.xml)", (string?)schema["properties"]!["base"]!["description"]);
    }

    [Fact]
    public void The_summaries_of_the_library_lie_beside_it() =>
        Assert.StartsWith("A part of something, given as a fraction (10%, 0.1)", new XmlSummaries().Of(typeof(Share)), StringComparison.Ordinal);

    public sealed record Tree
    {
        public Tree? Inner { get; init; }
    }
}

// A folder with a documentation file for the records of these tests.
internal sealed class DocumentationFolder : IDisposable
{
    public DocumentationFolder() => File.WriteAllText(System.IO.Path.Combine(Path, "Hieno.Tests.xml"), """
        <?xml version="1.0"?>
        <doc><assembly><name>Hieno.Tests</name></assembly><members>
          <member name="T:Hieno.Tests.Recipes.LoraGroup"><summary>Low rank.</summary></member>
          <member name="P:Hieno.Tests.Recipes.LoraGroup.Rank"><summary>
            Rank of the
            update; see <see cref="T:Hieno.Tests.Recipes.LoraGroup"/> and <see langword="null"/>, or <c>true</c>.<para>More.</para>
          </summary></member>
          <member name="P:Hieno.Tests.Recipes.TuningGroup.Dropout"><summary>Shared by all kinds.</summary></member>
        </members></doc>
        """);

    public string Path { get; } = Directory.CreateTempSubdirectory("hieno-recipes-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
