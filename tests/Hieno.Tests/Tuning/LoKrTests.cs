using Hieno.Models;
using Hieno.Models.Layers;
using Hieno.Tensors;
using Hieno.Testing;
using Hieno.Tuning;

namespace Hieno.Tests.Tuning;

public sealed class LoKrTests : PeftMethodInvariants
{
    protected override AdapterOptions Options => new LoKrOptions { Rank = 4, Alpha = 16, Targets = [LayerTargets.AllLinear] };

    protected override (int Steps, double Rate) Learning => (20, 0.05);

    protected override (string Folder, string Base, AdapterOptions Options) Golden => ("lokr", "llama", new LoKrOptions { Rank = 4, Targets = ["q_proj", "v_proj"] });

    protected override string[] KeysApart => ["rank_dropout_scale"]; // written since PEFT scales

    // 16 = 4·4, 24 = 4·6, 8 = 2·4, 48 = 6·8: a matrix of the smaller parts and one of the larger.
    protected override long CountFor(string family) => 2 * family switch
    {
        "bert" => (4 * (16 + 16)) + (2 * (16 + 24)),
        "gpt2" => (24 + 32) + (16 + 16) + (2 * (16 + 24)),
        _ => (2 * (16 + 16)) + (2 * (8 + 16)) + (3 * (16 + 24)),
    };

    [Theory]
    [InlineData(256, -1, 16, 16)]
    [InlineData(128, -1, 8, 16)]
    [InlineData(127, -1, 1, 127)]
    [InlineData(128, 4, 4, 32)]
    [InlineData(768, -1, 24, 32)]
    [InlineData(768, 7, 6, 128)]
    [InlineData(6, -1, 2, 3)]
    public void A_width_is_split_as_peft_splits_it(int width, int factor, int m, int n) => Assert.Equal((m, n), LoKr.Split(width, factor));

    [Fact]
    public void Large_factors_are_products_of_low_rank()
    {
        TunedModel tuned = new LoKrOptions { Rank = 1, DecomposeBoth = true, Targets = ["gate_proj"] }.Create().Apply(TinyTuning.Language("llama"), seed: 3);
        Assert.Equal(2 * ((4 + 4) + (6 + 4)), tuned.TrainableCount);
        float[] losses = TinyTuning.Train(tuned, steps: 3);
        Assert.True(losses[^1] < losses[0]);
    }

    [Fact]
    public void The_change_is_the_kronecker_product()
    {
        TunedModel tuned = new LoKrOptions { Rank = 4, Alpha = 2, Targets = ["gate_proj"] }.Create().Apply(TinyTuning.Language("llama"), seed: 3);
        var part = (LoKrUpdate)tuned.Adapter!.Parts[0];
        (Parameter c, Parameter d) = (part.Parameters[0], part.Parameters[1]); // [4, 4] and [6, 4]
        new Rng(5, RngStream.Initialization).FillNormal(c.Value.Span, 0, 1, step: 0);
        float[] weight = part.Layer.Weight.Value.ToArray();
        (float[] cs, float[] ds) = (c.Value.ToArray(), d.Value.ToArray());
        double[] expected = new double[weight.Length]; // [24, 16]
        for (int i = 0; i < expected.Length; i++)
        {
            (int row, int column) = (i / 16, i % 16);
            expected[i] = weight[i] + (0.5 * cs[((row / 6) * 4) + (column / 4)] * ds[((row % 6) * 4) + (column % 4)]);
        }

        using var tape = Tape.Begin(record: false);
        TensorAssert.Close(expected, part.TransformWeight(part.Layer.Weight), absolute: 1e-6);
    }
}
