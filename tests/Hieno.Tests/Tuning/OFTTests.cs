using System.Text.Json.Nodes;
using Hieno.Formats;
using Hieno.Formats.Peft;
using Hieno.Formats.Safetensors;
using Hieno.Models;
using Hieno.Models.Layers;
using Hieno.Tensors;
using Hieno.Testing;
using Hieno.Tuning;

namespace Hieno.Tests.Tuning;

public sealed class OFTTests : AdapterMethodInvariants
{
    protected override AdapterOptions Options => new OFTOptions { BlockSize = 4, Targets = [LayerTargets.AllLinear] };

    protected override double StartDifference => 1e-5; // x times the unit matrix is x, but by another way through the kernels

    protected override (int Steps, double Rate) Learning => (20, 0.1);

    // b(b − 1)/2 numbers for each of in/b blocks.
    protected override long CountFor(string family) => 2 * 6 / 4 * family switch
    {
        "bert" => (5 * 16) + 24,
        "gpt2" => (3 * 16) + 24,
        _ => (6 * 16) + 24,
    };

    [Fact]
    public void The_files_are_those_of_the_newer_versions()
    {
        using var folder = new TemporaryFolder();
        TunedModel tuned = new OFTOptions { BlockSize = 4, Targets = ["down_proj"] }.Create().Apply(TinyTuning.Language("llama"), seed: 3);
        PeftFolder.Save(tuned.Adapter!, folder.Path, "base");
        using var file = SafetensorsFile.Open(folder.PathOf(PeftAdapterConfig.WeightsFileName));
        Assert.Equal([6L, 6L], file.Require("base_model.model.model.layers.0.mlp.down_proj.oft_R.weight").Shape);
        JsonNode config = JsonNode.Parse(File.ReadAllText(folder.PathOf(PeftAdapterConfig.FileName)))!;
        Assert.Equal((4, 0, false), ((int)config["oft_block_size"]!, (int)config["r"]!, (bool)config["use_cayley_neumann"]!));
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(5, false)]
    [InlineData(5, true)]
    [InlineData(2, true)]
    public void The_input_is_turned_as_the_formula_says(int terms, bool halfLast)
    {
        TunedModel tuned = new OFTOptions { BlockSize = 2, Targets = ["q_proj"] }.Create().Apply(TinyTuning.Language("llama"), seed: 3);
        Linear layer = ((LinearUpdate)tuned.Adapter!.Parts[0]).Layer;
        float[] angles = [.. Enumerable.Range(0, 8).Select(i => 0.05f * (i - 3))];
        var part = new OFTUpdate(layer, "default", Tensor.FromValues([8, 1], angles), 2, new OFTMap(terms, halfLast));
        float[] x = [.. Enumerable.Range(0, 16).Select(i => i - 4f)];
        double[] expected = new double[16];
        for (int block = 0; block < 8; block++)
        {
            // S = [[0, s], [−s, 0]], so S² = −s²: Cayley's map is a turn by −2·atan(s), the series approaches one by +2·atan(s).
            double s = angles[block];
            (double diagonal, double above) = terms switch
            {
                0 => ((1 - (s * s)) / (1 + (s * s)), -2 * s / (1 + (s * s))),
                2 => (1, 2 * s),
                _ => (1 - (2 * s * s) + ((halfLast ? 1 : 2) * s * s * s * s), (2 * s) - (2 * s * s * s)),
            };
            expected[2 * block] = (x[2 * block] * diagonal) - (x[(2 * block) + 1] * above);
            expected[(2 * block) + 1] = (x[2 * block] * above) + (x[(2 * block) + 1] * diagonal);
        }

        using var tape = Tape.Begin(record: false);
        TensorAssert.Close(expected, part.TransformInput(Tensor.FromValues([1, 16], x)), absolute: 1e-5);
    }

    [Fact]
    public void Lengths_of_inputs_stay_as_they_were()
    {
        TunedModel tuned = new OFTOptions { BlockSize = 8, Shared = true, Targets = ["q_proj"] }.Create().Apply(TinyTuning.Language("llama"), seed: 3);
        Assert.Equal(2 * 28, tuned.TrainableCount);
        TinyTuning.Train(tuned, steps: 10, rate: 0.1);
        using var tape = Tape.Begin(record: false);
        float[] turned = ((OFTUpdate)tuned.Adapter!.Parts[0]).TransformInput(Tensor.FromValues([1, 16], [.. Enumerable.Range(1, 16).Select(i => (float)i)])).ToArray();
        Assert.NotEqual(1f, turned[0], 1e-3f);
        Assert.Equal(1496, turned.Sum(value => (double)value * value), 0.01);
    }

    [Theory]
    [InlineData(32, 0, 16)]
    [InlineData(5, 0, 4)]
    [InlineData(7, 0, 8)]
    [InlineData(0, 8, 2)]
    public void A_size_that_does_not_divide_the_width_becomes_the_nearest_that_does(int size, int blocks, int expected)
    {
        TunedModel tuned = new OFTOptions { BlockSize = size, Blocks = blocks, Targets = ["q_proj"] }.Create().Apply(TinyTuning.Language("llama"), seed: 3);
        Assert.All(tuned.Trainable, triangles => Assert.Equal([16 / expected, expected * (expected - 1) / 2], triangles.Value.Shape.AsSpan().ToArray()));
    }

    [Fact]
    public void Blocks_that_do_not_fit_are_refused()
    {
        var error = Assert.Throws<TuningException>(() => new OFTOptions { BlockSize = 0, Blocks = 3, Targets = ["q_proj"] }.Create().Apply(TinyTuning.Language("llama"), seed: 3));
        Assert.Equal(ErrorCodes.TuningTargetUnknown, error.Code);
        Assert.Single(new OFTOptions { Blocks = 2 }.Validate());
        Assert.Empty(new OFTOptions().Validate());
    }
}
