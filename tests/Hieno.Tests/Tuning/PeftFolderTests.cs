using System.Text.Json;
using System.Text.Json.Nodes;
using Hieno.Formats;
using Hieno.Formats.Peft;
using Hieno.Formats.Safetensors;
using Hieno.Models;
using Hieno.Tests.Shared;
using Hieno.Tuning;

namespace Hieno.Tests.Tuning;

public sealed class PeftFolderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    // Adapter folders written by PEFT 0.13.2, or in its layout, each with its base model.
    public static TheoryData<string, string> Adapters
    {
        get
        {
            var cases = new TheoryData<string, string>();
            foreach (string name in (string[])["bert", "bert_seqcls", "gpt2", "llama", "llama_seqcls", "mistral", "mistral_head_dim", "qwen2"])
            {
                cases.Add(name, $"{name}/lora");
            }

            foreach (string variant in (string[])["all_linear", "default_init", "dora", "embed_lmhead", "gaussian", "layers_to_transform", "olora", "patterns", "pissa", "qv", "rslora"])
            {
                cases.Add("llama", $"peft/lora_{variant}");
            }

            cases.Add("gpt2", "peft/lora_gpt2_conv1d");
            return cases;
        }
    }

    [SkippableTheory]
    [Trait("tier", "golden")]
    [MemberData(nameof(Adapters))]
    public void An_adapter_of_peft_gives_its_logits_beside_the_layers_and_merged(string baseModel, string adapter)
    {
        var golden = GoldenModel.Require(baseModel);
        string folder = SharedFolder.Require($"golden/{adapter}");
        string expected = Path.Combine(folder, "expected.safetensors");
        string prefix = adapter.StartsWith("peft/", StringComparison.Ordinal) ? string.Empty : "eval.";

        TextModel model = golden.Load();
        Adapter loaded = PeftFolder.Load(model, folder);
        golden.AssertOutput(model, expected, prefix + "logits");
        loaded.Merge();
        bool changedBase = adapter.EndsWith("olora", StringComparison.Ordinal) || adapter.EndsWith("pissa", StringComparison.Ordinal); // PEFT merges these elsewhere
        golden.AssertOutput(model, expected, (changedBase ? string.Empty : "merged.") + prefix + "logits");
    }

    [SkippableTheory]
    [Trait("tier", "golden")]
    [MemberData(nameof(Adapters))]
    public void An_adapter_that_was_loaded_is_saved_as_it_was(string baseModel, string adapter)
    {
        var golden = GoldenModel.Require(baseModel);
        string folder = SharedFolder.Require($"golden/{adapter}");
        TextModel model = golden.Load();
        PeftFolder.Save(PeftFolder.Load(model, folder), _folder.Path, $"golden/{baseModel}");

        using var theirs = SafetensorsFile.Open(Path.Combine(folder, PeftAdapterConfig.WeightsFileName));
        using var ours = SafetensorsFile.Open(_folder.PathOf(PeftAdapterConfig.WeightsFileName));
        Assert.Equal(theirs.Entries.Keys.Order(StringComparer.Ordinal), ours.Entries.Keys.Order(StringComparer.Ordinal));
        Assert.Equal("pt", ours.Metadata["format"]);
        Assert.All(theirs.Entries.Values, entry =>
        {
            Assert.Equal(entry.Shape, ours.Require(entry.Name).Shape);
            Assert.True(theirs.Bytes(entry).SequenceEqual(ours.Bytes(ours.Require(entry.Name))), entry.Name);
        });

        JsonObject config = ConfigOf(_folder.Path);
        Assert.All(ConfigOf(folder), item => Assert.True(JsonNode.DeepEquals(item.Value, config[item.Key]), item.Key));
    }

    [SkippableTheory]
    [Trait("tier", "golden")]
    [InlineData("gpt2", "gpt2/lora", "c_attn,c_fc,c_proj")]
    [InlineData("gpt2", "peft/lora_gpt2_conv1d", "c_attn")]
    [InlineData("bert_seqcls", "bert_seqcls/lora", "query,value")]
    [InlineData("llama", "peft/lora_all_linear", LayerTargets.AllLinear)]
    [InlineData("llama", "peft/lora_qv", "q_proj,v_proj")]
    public void An_adapter_made_here_has_the_names_shapes_and_settings_that_peft_writes(string baseModel, string adapter, string targets)
    {
        var golden = GoldenModel.Require(baseModel);
        string folder = SharedFolder.Require($"golden/{adapter}");
        TextModel model = golden.Load();
        TunedModel tuned = new LoRAOptions
        {
            Rank = 4, Alpha = 8, Targets = targets.Split(','), ModulesToSave = model.ClassificationHead is null ? [] : ["classifier"],
        }.Create().Apply(model, seed: 1);
        PeftFolder.Save(tuned.Adapter!, _folder.Path, $"golden/{baseModel}");

        using var theirs = SafetensorsFile.Open(Path.Combine(folder, PeftAdapterConfig.WeightsFileName));
        using var ours = SafetensorsFile.Open(_folder.PathOf(PeftAdapterConfig.WeightsFileName));
        Assert.Equal(Described(theirs), Described(ours));

        JsonObject expected = ConfigOf(folder);
        JsonObject actual = ConfigOf(_folder.Path);
        Assert.Equal(expected.Select(item => item.Key).Order(StringComparer.Ordinal), actual.Select(item => item.Key).Order(StringComparer.Ordinal));
        Assert.Equal(Sorted(expected["target_modules"]!), Sorted(actual["target_modules"]!));

        // How it was started, the reference's own class names, and the names of heads a model does not have, differ by intent.
        string[] apart = ["target_modules", "init_lora_weights", "auto_mapping", "modules_to_save", .. expected["task_type"] is null ? ["task_type"] : Array.Empty<string>()];
        Assert.All(expected.Where(item => !apart.Contains(item.Key)), item => Assert.True(JsonNode.DeepEquals(item.Value, actual[item.Key]), item.Key));
        Assert.Equal(model.ClassificationHead is null ? null : """["classifier"]""", actual["modules_to_save"]?.ToJsonString());
    }

    [Theory]
    [MemberData(nameof(TinyTuning.Families), MemberType = typeof(TinyTuning))]
    public void A_saved_adapter_gives_the_same_output_on_a_fresh_model(string family)
    {
        TextModel model = TinyTuning.Classifier(family);
        TunedModel tuned = new LoRAOptions { Targets = [LayerTargets.AllLinear], Bias = LoRABias.All, RsLora = true }.Create().Apply(model, seed: 3);
        TinyTuning.Train(tuned, steps: 3);
        PeftFolder.Save(tuned.Adapter!, _folder.Path, "base");

        TextModel fresh = TinyTuning.Classifier(family);
        Adapter loaded = PeftFolder.Load(fresh, _folder.Path);
        Assert.Equal(TinyTuning.Output(model), TinyTuning.Output(fresh));
        Assert.DoesNotContain(TunedModel.AllParameters(fresh), parameter => parameter.Value == loaded.Parts.OfType<LoRAUpdate>().First().A.Value && parameter.Trainable);
    }

    [Fact]
    public void The_offset_of_an_adapted_layer_is_saved_where_peft_keeps_it()
    {
        TunedModel tuned = new LoRAOptions { Targets = ["query"], Bias = LoRABias.All }.Create().Apply(TinyTuning.Language("bert"), seed: 3);
        PeftFolder.Save(tuned.Adapter!, _folder.Path, "base");
        using var file = SafetensorsFile.Open(_folder.PathOf(PeftAdapterConfig.WeightsFileName));
        Assert.Contains("base_model.model.bert.encoder.layer.0.attention.self.query.base_layer.bias", file.Entries.Keys);
        Assert.Contains("base_model.model.bert.encoder.layer.0.attention.self.key.bias", file.Entries.Keys);
        Assert.DoesNotContain("base_model.model.bert.encoder.layer.0.attention.self.query.bias", file.Entries.Keys);
    }

    [Fact]
    public void Layers_are_named_in_full_where_an_ending_would_mean_others_too()
    {
        TunedModel tuned = new LoRAOptions { Targets = ["dense"] }.Create().Apply(TinyTuning.Classifier("bert"), seed: 3);
        PeftFolder.Save(tuned.Adapter!, _folder.Path, "base");
        string[] targets = Sorted(ConfigOf(_folder.Path)["target_modules"]!);
        Assert.Equal(6, targets.Length); // the pooler, part of the head, ends in dense as well
        Assert.All(targets, target => Assert.StartsWith("bert.encoder.layer.", target, StringComparison.Ordinal));
    }

    [Fact]
    public void An_adapter_of_the_bare_body_fits_a_model_with_a_head()
    {
        TextModel model = Saved();
        string config = File.ReadAllText(_folder.PathOf(PeftAdapterConfig.FileName));
        using var bare = new TemporaryFolder();
        Rewrite(_folder.PathOf(PeftAdapterConfig.WeightsFileName), bare.PathOf(PeftAdapterConfig.WeightsFileName), name => name.Replace("model.bert.", "model.", StringComparison.Ordinal));
        bare.Write(PeftAdapterConfig.FileName, config);
        TextModel fresh = TinyTuning.Language("bert");
        PeftFolder.Load(fresh, bare.Path);
        Assert.Equal(TinyTuning.Output(model), TinyTuning.Output(fresh));
    }

    [Theory]
    [InlineData("\"use_dora\": false", "\"use_dora\": true", "lora_magnitude_vector")]
    [InlineData("\"init_lora_weights\": true", "\"init_lora_weights\": \"loftq\"", "'loftq'")]
    [InlineData("\"peft_type\": \"LORA\"", "\"peft_type\": \"UNHEARD_OF\"", "UNHEARD_OF")]
    [InlineData("\"r\": 8", "\"r\": 7", "[8, 16], expected [7, 16]")]
    public void What_would_be_read_wrongly_is_refused_and_leaves_the_model_alone(string now, string then, string message)
    {
        Saved();
        string path = _folder.PathOf(PeftAdapterConfig.FileName);
        string text = File.ReadAllText(path);
        Assert.Contains(now, text, StringComparison.Ordinal);
        File.WriteAllText(path, text.Replace(now, then, StringComparison.Ordinal));
        AssertRefused(message);
    }

    [Theory]
    [InlineData("layer.1.attention.self.value.lora_B", "layer.1.attention.self.value.lora_C", "lora_B.weight")]
    [InlineData("layer.1.attention.self.value", "layer.7.attention.self.value", "bert.encoder.layer.7.attention.self.value")]
    [InlineData("lora_A", "lora_C", "no place")]
    public void Weights_that_do_not_fit_are_refused_and_leave_the_model_alone(string now, string then, string message)
    {
        Saved();
        string path = _folder.PathOf(PeftAdapterConfig.WeightsFileName);
        Rewrite(path, path + ".new", name => name.Replace(now, then, StringComparison.Ordinal));
        File.Move(path + ".new", path, overwrite: true);
        AssertRefused(message);
    }

    [Fact]
    public void A_folder_without_weights_is_refused()
    {
        Saved();
        File.Delete(_folder.PathOf(PeftAdapterConfig.WeightsFileName));
        AssertRefused(PeftAdapterConfig.WeightsFileName);
    }

    private TextModel Saved()
    {
        TunedModel tuned = new LoRAOptions().Create().Apply(TinyTuning.Language("bert"), seed: 3);
        TinyTuning.Train(tuned, steps: 2);
        PeftFolder.Save(tuned.Adapter!, _folder.Path, "base");
        return tuned.Text();
    }

    private void AssertRefused(string message)
    {
        TextModel model = TinyTuning.Language("bert");
        float[] before = TinyTuning.Output(model);
        var error = Assert.Throws<CheckpointException>(() => PeftFolder.Load(model, _folder.Path));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        Assert.Equal(before, TinyTuning.Output(model));
        Assert.All(TunedModel.Linears(model), layer => Assert.Empty(layer.Updates));
    }

    private static void Rewrite(string from, string to, Func<string, string> rename)
    {
        using var file = SafetensorsFile.Open(from);
        SafetensorsWriter.Write(to, file.Entries.Values.Select(entry => new SafetensorsItem(
            rename(entry.Name), entry.DType, entry.Shape, stream => stream.Write(file.Bytes(entry)))).ToArray());
    }

    private static JsonObject ConfigOf(string folder) => JsonNode.Parse(File.ReadAllText(Path.Combine(folder, PeftAdapterConfig.FileName)))!.AsObject();

    private static string[] Sorted(JsonNode list) => [.. list.AsArray().Select(item => item!.GetValue<string>()).Order(StringComparer.Ordinal)];

    private static string[] Described(SafetensorsFile file) =>
        [.. file.Entries.Values.Select(entry => $"{entry.Name} {entry.DType} [{string.Join(", ", entry.Shape)}]").Order(StringComparer.Ordinal)];
}
