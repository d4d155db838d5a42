using Hieno.Recipes;

namespace Hieno.Tests.Recipes;

public class SettingsReferenceTests
{
    private static readonly SettingsReference Reference = SettingsReference.Of<TestRecipe>(TestCatalog.Create());

    [Fact]
    public void Settings_are_listed_in_declaration_order_with_what_is_inside_them() =>
        Assert.Equal(
            [
                "base", "output", "comment", "data", "data.train", "data.validation", "data.columns",
                "tuning", "tuning.dropout", "tuning.embeddings", "tuning.dropout", "tuning.rank", "tuning.alpha", "tuning.targets",
                "training", "training.epochs", "training.batchSize", "training.maxSteps", "training.seed", "training.learningRate", "training.packing",
                "training.pooling", "training.precision", "training.decays", "training.schedule", "training.schedule.warmup",
                "training.earlyStopping", "training.earlyStopping.patience", "metrics", "metrics[].order",
            ],
            Reference.Settings.Select(s => s.Path));

    [Theory]
    [InlineData("base", "text", true, null, null, null)]
    [InlineData("comment", "text", false, "null", null, null)]
    [InlineData("data", "a group of settings", false, null, null, null)]
    [InlineData("data.validation", "a share (10%) or a count (500)", false, "10%", null, null)]
    [InlineData("data.columns", "a group of names, each with text", false, "{}", null, null)]
    [InlineData("tuning", "one of the kinds: full, lora", false, "lora", null, null)]
    [InlineData("tuning.rank", "a whole number", false, "8", "from 1 to 1024", "lora")]
    [InlineData("tuning.targets", "a list of text", false, "[q_proj, v_proj]", "at least 1 entry long", "lora")]
    [InlineData("training.learningRate", "a number", false, "0.0002", "above 0 and at most 1", null)]
    [InlineData("training.batchSize", "a whole number", false, "8", "at least 1", null)]
    [InlineData("training.decays", "a list of numbers", false, "[0.01]", "each from 0 to 0.1", null)]
    [InlineData("training.pooling", "one of: mean, weighted-mean, last-token, cls", false, "mean", null, null)]
    [InlineData("training.precision", "text", false, "f32", "one of: f32, bf16, f16", null)]
    [InlineData("training.earlyStopping.patience", "a whole number", true, null, "from 1 to 100", null)]
    [InlineData("metrics[].order", "a whole number", true, null, null, "rouge")]
    public void A_setting_is_described_as_it_is_declared(string path, string type, bool required, string? @default, string? range, string? kind)
    {
        var entry = Assert.Single(Reference.Settings, s => s.Path == path);

        Assert.Equal((type, required, @default, range, kind), (entry.Type, entry.IsRequired, entry.Default, entry.Range, entry.Kind));
    }

    [Fact]
    public void Kinds_are_listed_with_their_group() =>
        Assert.Equal(
            ["tuning: full", "tuning: lora", "training.schedule: constant", "training.schedule: cosine", "metrics: perplexity", "metrics: rouge"],
            Reference.Kinds.Select(k => $"{k.Path}: {k.Kind}"));

    [Fact]
    public void A_missing_documentation_file_is_named()
    {
        Assert.Equal(["Hieno.Tests.xml"], Reference.MissingDocumentation);
        Assert.All(Reference.Settings, s => Assert.Equal("(no description: Hieno.Tests.xml is not beside Hieno.Tests.dll)", s.Description));
    }

    [Fact]
    public void Descriptions_come_from_the_documentation_file()
    {
        using var folder = new DocumentationFolder();

        var reference = SettingsReference.Of(typeof(TestRecipe), TestCatalog.Create(), new XmlSummaries(folder.Path));

        Assert.Empty(reference.MissingDocumentation);
        Assert.Equal("Low rank.", Assert.Single(reference.Kinds, k => k.Kind == "lora").Description);
        Assert.StartsWith("Rank of the update", Assert.Single(reference.Settings, s => s.Path == "tuning.rank").Description, StringComparison.Ordinal);
    }

    [Fact]
    public void Each_path_is_a_flag_that_binds()
    {
        // What the reference calls a whole number or text must be settable by that very path.
        foreach (var entry in Reference.Settings.Where(s => s.Type is "a whole number" or "text" && !s.Path.Contains("[]", StringComparison.Ordinal)))
        {
            string value = entry.Path == "training.precision" ? "bf16" : "7";
            string[] kind = entry.Kind is null ? [] : ["--" + entry.Path[..entry.Path.LastIndexOf('.')], entry.Kind];
            var recipe = TestCatalog.Read("base: m", [.. kind, "--" + entry.Path, value]);
            Assert.NotEqual(TestCatalog.Read("base: m", kind), recipe);
        }
    }
}
