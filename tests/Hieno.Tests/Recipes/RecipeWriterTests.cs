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
              learningRate: 1E-07
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

    private static class RandomRecipe
    {
        public static TestRecipe Next(Random r) => new()
        {
            Base = Text(r),
            Output = Text(r),
            Comment = r.Next(3) == 0 ? null : Text(r),
            Data = new DataGroup
            {
                Train = List(r, 0, Text),
                Validation = r.Next(2) == 0 ? Share.OfCount(r.Next()) : Share.OfFraction(r.NextDouble()),
                Columns = List(r, 0, Text).Distinct(StringComparer.Ordinal).ToDictionary(k => k, _ => Text(r)),
            },
            Tuning = r.Next(2) == 0
                ? new FullGroup { Embeddings = r.Next(2) == 0, Dropout = r.NextSingle() }
                : new LoraGroup { Rank = r.Next(1, 1025), Alpha = 0.001f + (r.NextSingle() * 1e5f), Targets = List(r, 1, Text) },
            Training = new TrainingGroup
            {
                Epochs = r.Next(1, 1001),
                BatchSize = r.Next(1, int.MaxValue),
                MaxSteps = r.Next(2) == 0 ? null : r.NextInt64(long.MinValue, long.MaxValue),
                Seed = (ulong)r.NextInt64() * 2,
                LearningRate = 1 - r.NextDouble(),
                Pooling = (Pooling)r.Next(4),
                Precision = "bf16",
                Decays = List(r, 0, x => x.NextSingle() * 0.1f),
                Schedule = r.Next(3) switch { 0 => null, 1 => new ConstantGroup(), _ => new CosineGroup { Warmup = Share.OfFraction(r.NextDouble()) } },
                EarlyStopping = r.Next(2) == 0 ? null : new StoppingGroup { Patience = r.Next(1, 101) },
            },
            Metrics = List(r, 0, x => x.Next(2) == 0 ? (MetricGroup)new PerplexityGroup() : new RougeGroup { Order = x.Next() }),
        };

        private static List<T> List<T>(Random r, int least, Func<Random, T> next) => [.. Enumerable.Range(0, r.Next(least, 4)).Select(_ => next(r))];

        // Texts that a careless writer or reader would take for something else.
        private static string Text(Random r)
        {
            string[] words =
            [
                "a", "null", "~", "", "true", "No", "1", "1e3", "0x10", ".nan", "- a", "a: b", "a #b", "#", "'", "\"", "\\", "[", "{a}", "&x", "*x", "!t", "%", "@", "`",
                " a ", "\t", "a\nb", "a\r\nb", "\n", "ä€𐍈", "\u0001", "\u0085", "\u2028", "\uFEFF", "---", "...", "?", ":", "|", ">", "<<", "=", "\0", "\ue000",
            ];
            return r.Next(2) == 0 ? words[r.Next(words.Length)] : string.Concat(Enumerable.Range(0, r.Next(1, 30)).Select(_ => words[r.Next(words.Length)]));
        }
    }
}
