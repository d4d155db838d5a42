using Hieno.Formats.Peft;
using Hieno.Formats.Safetensors;
using Hieno.Models;
using Hieno.Tests.Shared;
using Hieno.Tuning;

namespace Hieno.Tests.Tuning;

public sealed class VeRATests : PeftMethodInvariants
{
    protected override AdapterOptions Options => new VeRAOptions { Rank = 6, Targets = [LayerTargets.AllLinear] };

    protected override (int Steps, double Rate) Learning => (20, 0.1);

    protected override (string Folder, string Base, AdapterOptions Options) Golden =>
        ("vera", "llama", new VeRAOptions { Rank = 8, ProjectionSeed = 7, Targets = ["q_proj", "o_proj"] });

    protected override long CountFor(string family) => 2 * family switch
    {
        "bert" => (6 * 6) + (4 * 16) + 24 + 16,
        "gpt2" => (4 * 6) + 48 + 16 + 24 + 16,
        _ => (7 * 6) + 16 + 8 + 8 + 16 + 24 + 24 + 16,
    };

    [SkippableFact]
    [Trait("tier", "golden")]
    public void The_projections_of_a_seed_are_those_that_pytorch_draws()
    {
        (string name, string baseModel, AdapterOptions options) = Golden;
        TunedModel tuned = options.Create().Apply(GoldenModel.Require(baseModel).Load(), seed: 99); // the run's seed plays no part
        using var theirs = SafetensorsFile.Open(Path.Combine(SharedFolder.Require($"golden/peft/{name}"), PeftAdapterConfig.WeightsFileName));
        foreach (Parameter projection in tuned.Adapter!.Parts[0].Constants)
        {
            float[] expected = [.. System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(theirs.Bytes(theirs.Require(projection.Name)))];
            Assert.Equal(expected, projection.Value.ToArray());
        }
    }

    [Fact]
    public void An_adapter_without_projections_draws_them_again()
    {
        using var folder = new TemporaryFolder();
        TextModel model = TinyTuning.Language("llama");
        TunedModel tuned = new VeRAOptions { Rank = 6, ProjectionSeed = 11, SaveProjection = false }.Create().Apply(model, seed: 3);
        TinyTuning.Train(tuned, steps: 2);
        PeftFolder.Save(tuned.Adapter!, folder.Path, "base");
        using (var file = SafetensorsFile.Open(folder.PathOf(PeftAdapterConfig.WeightsFileName)))
        {
            Assert.DoesNotContain(file.Entries.Keys, key => key.Contains("vera_A", StringComparison.Ordinal));
        }

        TextModel fresh = TinyTuning.Language("llama");
        PeftFolder.Load(fresh, folder.Path);
        Assert.Equal(TinyTuning.Output(model), TinyTuning.Output(fresh));
    }

    [Fact]
    public void Layers_share_one_pair_of_projections()
    {
        TunedModel tuned = Options.Create().Apply(TinyTuning.Language("llama"), seed: 3);
        Parameter[] shared = [.. tuned.Adapter!.Parts.SelectMany(part => part.Constants).Distinct()];
        Assert.Equal(["[6, 24]", "[24, 6]"], shared.Select(projection => projection.Value.Shape.ToString()));
        Assert.All(shared, projection => Assert.False(projection.Trainable));
    }
}
