using System.Text.Json.Nodes;
using Hieno.Formats;
using Hieno.Formats.Peft;
using Hieno.Models;
using Hieno.Tuning;

namespace Hieno.Tests.Tuning;

public sealed class PeftSettingsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_pattern_gives_a_layer_a_scale_of_its_own()
    {
        float[] usual = Loaded(new LoHaOptions { Rank = 2, Alpha = 2 }, "alpha_pattern", "{}");
        Assert.NotEqual(usual, Loaded(new LoHaOptions { Rank = 2, Alpha = 2 }, "alpha_pattern", """{ "layers.0.self_attn.q_proj": 8 }"""));
        Assert.Equal(usual, Loaded(new LoHaOptions { Rank = 2, Alpha = 2 }, "alpha_pattern", """{ "layers.9.self_attn.q_proj": 8 }"""));
    }

    [Theory]
    [MemberData(nameof(Faults))]
    public void What_does_not_fit_is_refused_and_leaves_the_model_alone(AdapterOptions options, string key, string value, string message)
    {
        var error = Assert.Throws<CheckpointException>(() => Loaded(options, key, value));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    public static TheoryData<AdapterOptions, string, string, string> Faults => new()
    {
        { new LoHaOptions(), "alpha_pattern", """{ "(": 8 }""", "cannot be used as a pattern" },
        { new LoKrOptions(), "r", "0", "the rank of" },
        { new VBLoRAOptions { VectorLength = 8, Vectors = 6 }, "vector_length", "5", "do not make up the 16 inputs" },
        { new VBLoRAOptions { VectorLength = 8, Vectors = 6 }, "topk", "7", "cannot be mixed" },
        { new VBLoRAOptions { VectorLength = 8, Vectors = 6 }, "save_only_topk_weights", "true", "save_only_topk_weights" },
        { new OFTOptions { BlockSize = 4 }, "coft", "true", "coft" },
        { new HRAOptions(), "r", "3", "expected [16, 3]" },
        { new VeRAOptions { Rank = 4 }, "r", "5", "expected [5" },
        { new FourierFTOptions { Frequencies = 20 }, "n_frequency", "21", "expected [21]" },
    };

    private float[] Loaded(AdapterOptions options, string key, string value)
    {
        TextModel model = TinyTuning.Language("llama");
        TunedModel tuned = options.Create().Apply(model, seed: 3);
        TinyTuning.Train(tuned, steps: 2);
        PeftFolder.Save(tuned.Adapter!, _folder.Path, "base");
        string path = _folder.PathOf(PeftAdapterConfig.FileName);
        JsonNode config = JsonNode.Parse(File.ReadAllText(path))!;
        config[key] = JsonNode.Parse(value);
        File.WriteAllText(path, config.ToJsonString());

        TextModel fresh = TinyTuning.Language("llama");
        float[] before = TinyTuning.Output(fresh);
        try
        {
            PeftFolder.Load(fresh, _folder.Path);
        }
        catch (CheckpointException)
        {
            Assert.Equal(before, TinyTuning.Output(fresh));
            throw;
        }

        return TinyTuning.Output(fresh);
    }
}
