using System.Globalization;
using System.Text.Json;
using Hieno.Recipes;
using static Hieno.Tests.Recipes.TestCatalog;

namespace Hieno.Tests.Recipes;

public class RecipeWriterTests
{
    private const string Recipe = """
        base: ./m
        comment: "true"
        data: { train: [a.jsonl, "b c"], columns: { "no": "" } }
        training: { earlyStopping: { patience: 2 }, decays: [1e-3], learningRate: 1e-7 }
        metrics: [perplexity, { kind: rouge, order: 2 }]
        """;

    [Fact]
    public void Every_setting_is_written_in_declaration_order()
    {
        Assert.Equal(
            """
            base: "./m"
            output: runs/last
            comment: "true"
            data:
              train: [a.jsonl, "b c"]
              validation: "10%"
              columns:
                "no": ""
            tuning:
              kind: lora
              dropout: 0
              rank: 8
              alpha: 16
              targets: [q_proj, v_proj]
            training:
              epochs: 3
              batchSize: 8
              maxSteps: null
              seed: 42
              learningRate: 1.0e-07
              packing: false
              pooling: mean
              precision: f32
              decays: [0.001]
              schedule:
                kind: cosine
                warmup: 0
              earlyStopping:
                patience: 2
            metrics:
              - kind: perplexity
              - kind: rouge
                order: 2

            """.ReplaceLineEndings("\n"),
            RecipeWriter.ToYaml(Read(Recipe), Create()));
    }

    [Fact]
    public void Json_holds_the_same_as_yaml()
    {
        string json = RecipeWriter.ToJson(Read(Recipe), Create());
        using var document = JsonDocument.Parse(json);

        Assert.Equal("10%", document.RootElement.GetProperty("data").GetProperty("validation").GetString());
        Assert.Equal(0, document.RootElement.GetProperty("training").GetProperty("schedule").GetProperty("warmup").GetInt32());
        Assert.Equal(Read(Recipe), RecipeFile.Parse<TestRecipe>(json, "r.json", RecipeFormat.Json, Create()).Value);
    }

    [Fact]
    public void A_random_recipe_reads_back_equal_from_yaml_and_json_in_any_culture()
    {
        var catalog = Create();
        var random = new Random(11);
        var culture = CultureInfo.CurrentCulture;
        try
        {
            for (int i = 0; i < 500; i++)
            {
                CultureInfo.CurrentCulture = new CultureInfo(i % 2 == 0 ? "fi-FI" : "tr-TR");
                var recipe = RandomRecipe.Next(random);
                string yaml = RecipeWriter.ToYaml(recipe, catalog), json = RecipeWriter.ToJson(recipe, catalog);

                var fromYaml = RecipeFile.Parse<TestRecipe>(yaml, "r.yaml", RecipeFormat.Yaml, catalog).Value;
                var fromJson = RecipeFile.Parse<TestRecipe>(json, "r.json", RecipeFormat.Json, catalog).Value;

                Assert.Equivalent(recipe, fromYaml, strict: true);
                Assert.Equal(fromYaml, fromJson);
                Assert.Equal(yaml, RecipeWriter.ToYaml(fromJson, catalog));
                Assert.Equal(json, RecipeWriter.ToJson(fromYaml, catalog));
            }
        }
        finally
        {
            CultureInfo.CurrentCulture = culture;
        }
    }
}
