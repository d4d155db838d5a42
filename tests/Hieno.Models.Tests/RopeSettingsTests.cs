using System.Text.Json;
using System.Text.Json.Nodes;
using Hieno.Formats;
using Hieno.Tensors;
using Hieno.Tests.Shared;

namespace Hieno.Models.Tests;

public sealed class RopeSettingsTests
{
    [SkippableTheory]
    [Trait("tier", "golden")]
    [InlineData("llama_rope_dynamic", 16, 24)]
    [InlineData("llama_rope_llama3", 16, 24)]
    [InlineData("llama_rope_yarn", 16, 24)]
    [InlineData("llama_rope_yarn_mscale", 16, 24)]
    [InlineData("llama_rope_yarn_opts", 16, 24)]
    [InlineData("phi3_longrope", 8, 24)]
    [InlineData("phi3_longrope_partial", 12, 24)]
    public void Frequencies_are_those_of_the_reference_in_both_forms_of_the_configuration(string fixture, int headWidth, int length)
    {
        string folder = SharedFolder.Require($"golden/{fixture}");
        float[] expected = GoldenFile.Require($"golden/{fixture}/expected.safetensors")["inv_freq.model.rotary_emb"];
        using var meta = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "meta.json")));
        double factor = meta.RootElement.GetProperty("rope_attention_scaling").GetProperty("model.rotary_emb").GetDouble();
        foreach (string file in (ReadOnlySpan<string>)["config.json", "config.v5.json"])
        {
            var config = ModelConfig.Read(Path.Combine(folder, file));
            var settings = RopeSettings.Read(config, headWidth, config.GetInt("max_position_embeddings"));
            double[] actual = settings.Frequencies(length);
            Assert.Equal(expected.Length, actual.Length);
            Assert.All(expected.Zip(actual), pair => Assert.Equal(1, pair.Second / pair.First, 1e-6));
            Assert.Equal(factor, settings.AttentionFactor, 1e-12);
        }
    }

    [Fact]
    public void Without_settings_positions_turn_as_in_the_paper()
    {
        var settings = Read("{}");
        Assert.Equal("default", settings.Kind);
        Assert.Equal(RopeFrequencies.Default(10000, 8), settings.Frequencies(1));
        Assert.Equal((8, 64, 1.0), (settings.Width, settings.MaxPositions, settings.AttentionFactor));
    }

    [Theory]
    [InlineData("""{ "rope_theta": 500, "partial_rotary_factor": 0.5 }""")]
    [InlineData("""{ "rope_theta": 500, "partial_rotary_factor": 0.5, "rope_scaling": null }""")]
    [InlineData("""{ "rope_theta": 500, "partial_rotary_factor": 0.5, "rope_scaling": { "type": "default" } }""")]
    [InlineData("""{ "rope_parameters": { "rope_theta": 500, "rope_type": "default", "partial_rotary_factor": 0.5 } }""")]
    [InlineData("""{ "rope_theta": 7, "rope_parameters": { "rope_theta": 500, "partial_rotary_factor": 0.5 } }""")]
    public void Base_and_width_are_read_from_either_place(string json)
    {
        Assert.Equal(RopeFrequencies.Default(500, 4), Read(json).Frequencies(1));
    }

    [Theory]
    [InlineData("""{ "rotary_emb_base": 500, "rotary_pct": 0.5 }""", 500, 4)]
    [InlineData("""{ "rotary_emb_base": 7, "rope_parameters": { "rope_theta": 500, "partial_rotary_factor": 0.5 } }""", 500, 4)]
    [InlineData("{}", 300, 2)]
    public void A_family_may_have_keys_and_defaults_of_its_own(string json, double theta, int width)
    {
        var keys = new RopeKeys { Theta = "rotary_emb_base", DefaultTheta = 300, Part = "rotary_pct", DefaultPart = 0.25 };
        Assert.Equal(RopeFrequencies.Default(theta, width), Read(json, keys).Frequencies(1));
    }

    [Theory]
    [InlineData("full_attention", "linear", 200)]
    [InlineData("sliding_attention", "default", 70)]
    public void Each_kind_of_layer_may_have_settings_of_its_own(string kind, string scheme, double theta)
    {
        const string Json = """
            { "rope_parameters": { "full_attention": { "rope_theta": 200, "rope_type": "linear", "factor": 8 }, "sliding_attention": { "rope_theta": 70, "rope_type": "default" } } }
            """;
        RopeSettings settings = Read(Json, new RopeKeys { LayerKind = kind });
        Assert.Equal(scheme, settings.Kind);
        double[] plain = RopeFrequencies.Default(theta, 8);
        Assert.Equal(scheme == "linear" ? Array.ConvertAll(plain, frequency => frequency / 8) : plain, settings.Frequencies(1));
        Assert.Equal("default", Read("""{ "rope_theta": 5 }""", new RopeKeys { LayerKind = kind }).Kind); // settings of all layers serve each
    }

    [Theory]
    [InlineData("linear", """{ "rope_scaling": { "type": "linear", "factor": 4 } }""", 256)]
    [InlineData("dynamic", """{ "rope_scaling": { "rope_type": "dynamic", "factor": 2.5 } }""", 160)]
    [InlineData("yarn", """{ "rope_scaling": { "rope_type": "yarn", "factor": 8 } }""", 512)]
    [InlineData("yarn", """{ "rope_scaling": { "rope_type": "yarn", "original_max_position_embeddings": 16 } }""", 64)]
    [InlineData("longrope", """{ "original_max_position_embeddings": 16, "rope_scaling": { "type": "su", "short_factor": [1, 1, 1, 1], "long_factor": [2, 2, 2, 2] } }""", 64)]
    public void Longest_row_follows_from_the_scheme(string kind, string json, int positions)
    {
        RopeSettings settings = Read(json);
        Assert.Equal((kind, positions), (settings.Kind, settings.MaxPositions));
    }

    [Fact]
    public void Yarn_without_a_factor_takes_the_ratio_of_the_lengths()
    {
        RopeSettings stated = Read("""{ "rope_scaling": { "rope_type": "yarn", "factor": 4, "original_max_position_embeddings": 16 } }""");
        RopeSettings derived = Read("""{ "rope_scaling": { "rope_type": "yarn", "original_max_position_embeddings": 16 } }""");
        Assert.Equal(stated.Frequencies(1), derived.Frequencies(1));
        Assert.Equal(stated.AttentionFactor, derived.AttentionFactor);
    }

    [Theory]
    [InlineData("""{ "rope_scaling": { "rope_type": "spiral" } }""", "'rope_scaling.rope_type' is 'spiral'", "default, linear, dynamic, llama3, yarn, longrope")]
    [InlineData("""{ "rope_parameters": { "type": "spiral" } }""", "'rope_parameters.type' is 'spiral'", "yarn")]
    [InlineData("""{ "rope_scaling": { "type": "linear" } }""", "'rope_scaling.factor'", "no")]
    [InlineData("""{ "rope_scaling": { "type": "linear", "factor": 0 } }""", "'rope_scaling.factor' is 0", "above 0")]
    [InlineData("""{ "rope_scaling": { "type": "yarn" } }""", "'rope_scaling.factor'", "no")]
    [InlineData("""{ "rope_theta": -1 }""", "'rope_theta' is -1", "above 0")]
    [InlineData("""{ "partial_rotary_factor": 0.4 }""", "'partial_rotary_factor' is 0.4", "8 lanes")]
    [InlineData("""{ "partial_rotary_factor": 2 }""", "'partial_rotary_factor' is 2", "8 lanes")]
    [InlineData("""{ "rope_scaling": { "rope_type": "llama3", "factor": 8, "low_freq_factor": 4, "high_freq_factor": 4, "original_max_position_embeddings": 8 } }""", "'rope_scaling.high_freq_factor' is 4", "low_freq_factor (4)")]
    [InlineData("""{ "rope_scaling": { "rope_type": "longrope", "short_factor": [1, 2], "long_factor": [1, 1, 1, 1] } }""", "'rope_scaling.short_factor' has 2 numbers", "expected 4")]
    [InlineData("""{ "rope_scaling": { "rope_type": "longrope", "short_factor": [1, 2, 3, 0], "long_factor": [1, 1, 1, 1] } }""", "'rope_scaling.short_factor'", "positive")]
    [InlineData("""{ "rope_parameters": { "full_attention": { "rope_theta": 5 } } }""", "'rope_parameters' holds an object 'full_attention'", "all layers")]
    public void Wrong_settings_are_named_with_their_key(string json, string fact, string alsoSays)
    {
        var error = Assert.Throws<CheckpointException>(() => Read(json));
        Assert.Contains(fact, error.Message, StringComparison.Ordinal);
        Assert.Contains(alsoSays, error.Message, StringComparison.Ordinal);
        Assert.StartsWith("tiny", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Batches_share_a_table_unless_their_length_matters()
    {
        RopeTables fixedTables = Read("{}").CreateTables();
        Assert.Same(fixedTables.For(TinyModels.Batch(3)), fixedTables.For(TinyModels.Batch(60, 2)));

        RopeTables dynamic = Read("""{ "rope_scaling": { "type": "dynamic", "factor": 4 } }""").CreateTables();
        Assert.Same(dynamic.For(TinyModels.Batch(3)), dynamic.For(TinyModels.Batch(64)));
        Assert.NotSame(dynamic.For(TinyModels.Batch(64)), dynamic.For(TinyModels.Batch(65)));
        Assert.NotSame(dynamic.For(TinyModels.Batch(65)), dynamic.For(TinyModels.Batch(66)));

        RopeTables longRope = Read(
            """{ "original_max_position_embeddings": 16, "rope_scaling": { "type": "longrope", "short_factor": [1, 1, 1, 1], "long_factor": [2, 2, 2, 2] } }""").CreateTables();
        Assert.Same(longRope.For(TinyModels.Batch(3)), longRope.For(TinyModels.Batch(16)));
        Assert.NotSame(longRope.For(TinyModels.Batch(16)), longRope.For(TinyModels.Batch(17)));
        Assert.Same(longRope.For(TinyModels.Batch(17)), longRope.For(TinyModels.Batch(40)));
    }

    private static RopeSettings Read(string json, RopeKeys? keys = null) =>
        RopeSettings.Read(ModelConfig.From(JsonDocument.Parse(JsonNode.Parse(json)!.ToJsonString()).RootElement, "tiny"), headWidth: 8, positions: 64, keys);
}
