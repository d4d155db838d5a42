using System.Text.Json.Nodes;
using Hieno.Formats;
using Hieno.Formats.Peft;
using Hieno.Models;
using Hieno.Recipes;
using Hieno.Tests.Shared;
using Hieno.Tuning;

namespace Hieno.Tests.Tuning;

public sealed class LayerRanksTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_first_pattern_that_matches_a_layer_gives_its_rank_and_alpha()
    {
        TextModel model = TinyTuning.Language("llama");
        new LoRAOptions
        {
            Rank = 4, Alpha = 8, Targets = ["q_proj", "v_proj"],
            Ranks = new Dictionary<string, int> { ["layers.1.self_attn.q_proj"] = 2, ["q_proj"] = 3 },
            Alphas = new Dictionary<string, double> { [@"layers\.\d+\.self_attn\.v_proj"] = 16 },
        }.Create().Apply(model, seed: 3);
        LoRAUpdate[] updates = [.. model.AttachedParts().OfType<LoRAUpdate>()];
        Assert.Equal([3, 4, 2, 4], updates.Select(update => update.A.Value.Rows)); // q and v of block 0, then of block 1
        Assert.Equal([8f / 3, 4f, 4f, 4f], updates.Select(update => update.Scale));
    }

    public static TheoryData<string, AdapterOptions> Methods()
    {
        var ranks = new Dictionary<string, int> { ["0.self_attn.q_proj"] = 2 };
        var alphas = new Dictionary<string, double> { ["q_proj"] = 32 };
        string[] targets = ["q_proj", "v_proj"];
        return new TheoryData<string, AdapterOptions>
        {
            { "lora", new LoRAOptions { Targets = targets, Ranks = ranks, Alphas = alphas } },
            { "dora", new LoRAOptions { Targets = targets, Ranks = ranks, Alphas = alphas, Dora = true } },
            { "pissa", new LoRAOptions { Targets = targets, Ranks = ranks, Alphas = alphas, Initialization = LoRAStart.Pissa, Rank = 4 } },
            { "loha", new LoHaOptions { Targets = targets, Ranks = ranks, Alphas = alphas } },
            { "lokr", new LoKrOptions { Targets = targets, Ranks = ranks, Alphas = alphas } },
        };
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void A_saved_adapter_gives_the_same_output_on_a_fresh_model(string method, AdapterOptions options)
    {
        TextModel model = TinyTuning.Language("llama");
        TunedModel tuned = options.Create().Apply(model, seed: 3);
        TinyTuning.Train(tuned, steps: 3);
        PeftFolder.Save(tuned.Adapter!, _folder.Path, "base");
        TextModel fresh = TinyTuning.Language("llama");
        Adapter loaded = PeftFolder.Load(fresh, _folder.Path);
        Assert.Equal(TinyTuning.Output(model), TinyTuning.Output(fresh));
        Assert.True(tuned.Trainable.Select(parameter => parameter.Value.Shape).SequenceEqual(loaded.Parameters().Select(parameter => parameter.Value.Shape)), method);
    }

    [Fact]
    public void Patterns_of_rank_and_alpha_that_meet_at_a_layer_are_written_with_full_names()
    {
        JsonObject config = Saved(TinyTuning.Language("llama"), new LoRAOptions
        {
            Rank = 4, Alpha = 8, Targets = ["q_proj", "v_proj"],
            Ranks = new Dictionary<string, int> { ["1.self_attn.q_proj"] = 2 },
            Alphas = new Dictionary<string, double> { ["q_proj"] = 32 },
        });
        Assert.Equal("""{"model.layers.1.self_attn.q_proj":2}""", config["rank_pattern"]!.ToJsonString());
        Assert.Equal("""{"model.layers.0.self_attn.q_proj":32,"model.layers.1.self_attn.q_proj":32}""", config["alpha_pattern"]!.ToJsonString());
    }

    [SkippableFact]
    [Trait("tier", "golden")]
    public void Patterns_are_written_as_peft_writes_them()
    {
        JsonObject expected = JsonNode.Parse(File.ReadAllText(SharedFolder.Require("golden/peft/lora_patterns/adapter_config.json")))!.AsObject();
        JsonObject actual = Saved(GoldenModel.Require("llama").Load(), new LoRAOptions
        {
            Rank = 4, Alpha = 8, Targets = ["q_proj", "v_proj"],
            Ranks = new Dictionary<string, int> { ["layers.0.self_attn.q_proj"] = 2 },
            Alphas = new Dictionary<string, double> { ["v_proj"] = 16 },
        });
        Assert.True(JsonNode.DeepEquals(expected["rank_pattern"], actual["rank_pattern"]), actual["rank_pattern"]?.ToJsonString());
        Assert.True(JsonNode.DeepEquals(expected["alpha_pattern"], actual["alpha_pattern"]), actual["alpha_pattern"]?.ToJsonString());
    }

    [Theory]
    [InlineData("k_proj")]
    [InlineData("proj")] // an ending begins at a full stop
    public void A_pattern_that_matches_no_adapted_layer_is_refused_by_name(string pattern)
    {
        var options = new LoRAOptions { Targets = ["q_proj"], Ranks = new Dictionary<string, int> { [pattern] = 2 } };
        var error = Assert.Throws<TuningException>(() => options.Create().Apply(TinyTuning.Language("llama"), seed: 3));
        Assert.Equal(ErrorCodes.TuningTargetUnknown, error.Code);
        Assert.Contains($"'{pattern}' of 'tuning.ranks' matches none of the 2 adapted layers, of which 'model.layers.0.self_attn.q_proj' is one", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ranks: { 'q_(proj': 4 }", "'q_(proj', which is no regular expression")]
    [InlineData("ranks: { q_proj: 0 }", "'q_proj' the rank 0")]
    [InlineData("alphas: { '[': 4 }", "'[', which is no regular expression")]
    public void What_no_layer_can_have_is_refused_with_the_recipe(string setting, string message)
    {
        string yaml = $"base: b\ntask: sft\ndata: {{ train: t.jsonl }}\noutput: o\ntuning:\n  kind: lora\n  {setting}\n";
        var error = Assert.Throws<RecipeException>(() => RecipeFile.Parse<Recipe>(yaml, "recipe.yaml", RecipeFormat.Yaml, BuiltIns.Kinds()));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        Assert.Contains("recipe.yaml, line 7", error.Message, StringComparison.Ordinal);
    }

    private JsonObject Saved(TextModel model, AdapterOptions options)
    {
        PeftFolder.Save(options.Create().Apply(model, seed: 3).Adapter!, _folder.Path, "base");
        return JsonNode.Parse(File.ReadAllText(_folder.PathOf(PeftAdapterConfig.FileName)))!.AsObject();
    }
}
