using System.Text.Json;
using Hieno.Formats.Peft;
using Hieno.Tests.Shared;

namespace Hieno.Formats.Tests.Peft;

public sealed class PeftAdapterConfigTests : IDisposable
{
    // Fields with their defaults that a younger version writes and some of the files do not have yet.
    private static readonly string[] Added =
        ["alpha_pattern={}", "layer_replication=null", "layers_pattern=null", "layers_to_transform=null", "loftq_config={}", "megatron_config=null", "megatron_core=\"megatron.core\"", "rank_pattern={}", "use_dora=false", "use_rslora=false"];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_smallest_file_gets_the_defaults_of_peft()
    {
        var config = Read("""{"peft_type":"LORA","target_modules":["q_proj","v_proj"]}""");
        Assert.Equal((8, 8.0, 0.0), (config.LoRA!.Rank, config.LoRA.Alpha, config.LoRA.Dropout));
        Assert.Equal(["q_proj", "v_proj"], config.LoRA.TargetModules!.Names!);
        Assert.Equal(("none", "true"), (config.LoRA.Bias, config.LoRA.Initialization));
        Assert.Null(config.TaskType);
        Assert.Empty(config.Warnings);
    }

    [Fact]
    public void Single_values_stand_for_lists_where_peft_allows_it()
    {
        var lora = Read("""{"peft_type":"LORA","target_modules":"all-linear","layers_to_transform":3,"layers_pattern":"h","init_lora_weights":"pissa"}""").LoRA!;
        Assert.True(lora.TargetModules!.IsAllLinear);
        Assert.Equal([3], lora.LayersToTransform!);
        Assert.Equal(["h"], lora.LayersPattern!);
        Assert.Equal("pissa", lora.Initialization);
    }

    [Fact]
    public void Unknown_keys_are_kept_and_reported_and_so_are_known_ones_that_are_not_applied()
    {
        var config = Read("""{"peft_type":"LORA","r":4,"brand_new":{"a":1},"layer_replication":[[0,1]],"use_qalora":false,"eva_config":null,"peft_version":"0.18.0"}""");
        Assert.Equal(2, config.Warnings.Count);
        Assert.Contains("'brand_new' is not known", config.Warnings[0], StringComparison.Ordinal);
        Assert.Contains("'layer_replication' is set, but not applied", config.Warnings[1], StringComparison.Ordinal);

        config.Write(_folder.Path);
        using var written = JsonDocument.Parse(File.ReadAllText(_folder["adapter_config.json"]));
        Assert.Equal(1, written.RootElement.GetProperty("brand_new").GetProperty("a").GetInt32());
        Assert.Equal("0.18.0", written.RootElement.GetProperty("peft_version").GetString());
    }

    [Fact]
    public void Rank_and_scale_of_a_layer_follow_the_patterns()
    {
        var lora = Read("""
            {"peft_type":"LORA","r":4,"lora_alpha":8,"rank_pattern":{"q_proj":16,"layers\\.1\\.mlp\\.\\w+":2},"alpha_pattern":{"v_proj":1}}
            """).LoRA!;
        Assert.Equal(16, lora.RankOf("model.layers.0.self_attn.q_proj"));
        Assert.Equal(4, lora.RankOf("model.layers.0.self_attn.xq_proj"));
        Assert.Equal(2, lora.RankOf("model.layers.1.mlp.up_proj"));
        Assert.Equal(0.5, lora.ScaleOf("model.layers.0.self_attn.q_proj"));
        Assert.Equal(0.25, lora.ScaleOf("v_proj"));
        Assert.Equal(4.0, (lora with { UseRsLoRA = true }).ScaleOf("k_proj"));
    }

    [Theory]
    [InlineData("{}", ErrorCodes.CheckpointConfigKeyMissing, "peft_type")]
    [InlineData("""{"peft_type":"LORA","r":"8"}""", ErrorCodes.CheckpointConfigKeyInvalid, "'r'")]
    [InlineData("""{"peft_type":"LORA","r":0}""", ErrorCodes.CheckpointConfigKeyInvalid, "'r'")]
    [InlineData("""{"peft_type":"LORA","lora_alpha":1e999}""", ErrorCodes.CheckpointConfigKeyInvalid, "'lora_alpha'")]
    [InlineData("""{"peft_type":"LORA","lora_dropout":1}""", ErrorCodes.CheckpointConfigKeyInvalid, "'lora_dropout'")]
    [InlineData("""{"peft_type":"LORA","bias":"some"}""", ErrorCodes.CheckpointConfigKeyInvalid, "'bias'")]
    [InlineData("""{"peft_type":"LORA","target_modules":"("}""", ErrorCodes.CheckpointConfigKeyInvalid, "'target_modules'")]
    [InlineData("""{"peft_type":"LORA","target_modules":[1]}""", ErrorCodes.CheckpointConfigKeyInvalid, "'target_modules[0]'")]
    [InlineData("""{"peft_type":"LORA","rank_pattern":{"(":1}}""", ErrorCodes.CheckpointConfigKeyInvalid, "'rank_pattern'")]
    [InlineData("""{"peft_type":"LORA","rank_pattern":{"q":0}}""", ErrorCodes.CheckpointConfigKeyInvalid, "'rank_pattern'")]
    [InlineData("""{"peft_type":"LORA","rank_pattern":{"q":"x"}}""", ErrorCodes.CheckpointConfigKeyInvalid, "'rank_pattern.q'")]
    [InlineData("""{"peft_type":"LORA","r":1,"r":2}""", ErrorCodes.CheckpointNotJson, "JSON")]
    public void A_malformed_configuration_is_refused_by_file_and_key(string json, string code, string named)
    {
        var error = Assert.Throws<CheckpointException>(() => Read(json));
        Assert.Equal(code, error.Code);
        Assert.StartsWith(_folder["adapter_config.json"], error.Message, StringComparison.Ordinal);
        Assert.Contains(named, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Lora_settings_and_type_must_agree_when_writing()
    {
        Assert.Throws<InvalidOperationException>(() => new PeftAdapterConfig().Write(_folder.Path));
        Assert.Throws<InvalidOperationException>(() => new PeftAdapterConfig { PeftType = "IA3", LoRA = new() }.Write(_folder.Path));
    }

    [SkippableFact]
    [Trait("tier", "golden")]
    public void Files_written_by_peft_survive_reading_and_writing_unchanged()
    {
        int files = 0;
        foreach (string path in Directory.EnumerateFiles(SharedFolder.Require("golden"), "adapter_config.json", SearchOption.AllDirectories))
        {
            var config = PeftAdapterConfig.Read(path);
            Assert.Empty(config.Warnings);
            config.Write(_folder.Path);

            using var expected = JsonDocument.Parse(File.ReadAllText(path));
            using var actual = JsonDocument.Parse(File.ReadAllText(_folder["adapter_config.json"]));
            var (wanted, written) = (Normal(expected.RootElement), Normal(actual.RootElement));
            Assert.Equal(wanted, written.Where(field => wanted.Contains(field) || !Added.Contains(field)));
            files++;
        }

        Assert.True(files > 50, $"only {files} files");
    }

    // Keys in order, with their values as text.
    private static List<string> Normal(JsonElement json) => [.. json.EnumerateObject().Select(property => $"{property.Name}={JsonSerializer.Serialize(property.Value)}")];

    private PeftAdapterConfig Read(string json) => PeftAdapterConfig.Read(Path.GetDirectoryName(_folder.Write("adapter_config.json", json))!);
}
