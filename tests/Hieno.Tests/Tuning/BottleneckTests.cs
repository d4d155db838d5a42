using Hieno.Models;
using Hieno.Models.Layers;
using Hieno.Tensors;
using Hieno.Testing;
using Hieno.Tuning;

namespace Hieno.Tests.Tuning;

public sealed class BottleneckTests
{
    public static TheoryData<string, BottleneckPlacement> Cases
    {
        get
        {
            var cases = new TheoryData<string, BottleneckPlacement>();
            foreach (BottleneckPlacement placement in Enum.GetValues<BottleneckPlacement>())
            {
                cases.Add("bert", placement);
                cases.Add("gpt2", placement);
                cases.Add("llama", placement);
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void The_first_step_starts_from_the_base_model_bit_for_bit(string family, BottleneckPlacement placement)
    {
        TextModel model = TinyTuning.Language(family);
        float[] before = TinyTuning.Output(model);
        new BottleneckOptions { Placement = placement, TrainNorms = true }.Create().Apply(model, seed: 3);
        Assert.Equal(before, TinyTuning.Output(model));
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Training_lowers_the_loss_and_changes_no_bit_of_the_base(string family, BottleneckPlacement placement)
    {
        var options = new BottleneckOptions { Placement = placement, Reduction = 4 };
        TunedModel tuned = TinyAdapter.AssertLearns(options, family, classifier: false, steps: 40);
        int each = (2 * 4 * 16) + 4 + 16; // 2db + b + d
        Assert.Equal((placement == BottleneckPlacement.Houlsby ? 4 : 2) * each, tuned.TrainableCount);
        TinyAdapter.AssertLearns(options with { TrainNorms = true }, family, classifier: true, steps: 20);
    }

    [Theory]
    [InlineData(BottleneckPlacement.Houlsby)]
    [InlineData(BottleneckPlacement.Pfeiffer)]
    [InlineData(BottleneckPlacement.Parallel)]
    public void It_computes_the_formula_of_its_placement(BottleneckPlacement placement)
    {
        Func<Tensor, Tensor> norm = x => Ops.LayerNorm(x, null, null);
        var site = new BlockSite(new WeightScope(new RandomWeights(0)).At("block").AtDepth(1), BlockPlace.FeedForward, 4, norm);
        var options = new BottleneckOptions { Placement = placement, Scale = 1.5, Activation = Activation.Tanh };
        Tensor Values(string name, Shape shape) => Initializer.Normal(1f).Create(shape, 7, name);
        (Tensor down, Tensor downBias, Tensor up, Tensor upBias) = (Values("d", [2, 4]), Values("db", [2]), Values("u", [4, 2]), Values("ub", [4]));
        (Tensor f, Tensor input, Tensor residual) = (Values("f", [3, 4]), Values("i", [3, 4]), Values("r", [3, 4]));
        using var tape = Tape.Begin(record: false);
        Tensor actual = new BottleneckUpdate(site, "a", options, down, downBias, up, upBias).Apply(f, new BlockPass(input, residual, new TokenBatch([1, 2, 3], [3])));

        float[] read = (placement switch
        {
            BottleneckPlacement.Houlsby => f,
            BottleneckPlacement.Parallel => input,
            _ => norm(Ops.Add(f, residual)),
        }).ToArray();
        (float[] d, float[] db, float[] u, float[] ub, float[] y) = (down.ToArray(), downBias.ToArray(), up.ToArray(), upBias.ToArray(), f.ToArray());
        double[] expected = new double[12];
        for (int row = 0; row < 3; row++)
        {
            double[] inner = [.. Enumerable.Range(0, 2).Select(b => Math.Tanh(db[b] + Enumerable.Range(0, 4).Sum(i => (double)d[(b * 4) + i] * read[(row * 4) + i])))];
            for (int i = 0; i < 4; i++)
            {
                expected[(row * 4) + i] = y[(row * 4) + i] + (1.5 * (ub[i] + (u[i * 2] * inner[0]) + (u[(i * 2) + 1] * inner[1])));
            }
        }

        TensorAssert.Close(expected, actual, absolute: 1e-5);
    }

    [Fact]
    public void Settings_that_are_not_given_are_those_of_the_placement()
    {
        (int, float, Activation) Of(BottleneckPlacement placement)
        {
            var options = new BottleneckOptions { Placement = placement };
            return (options.EffectiveReduction, options.EffectiveScale, options.EffectiveActivation);
        }

        Assert.Equal((16, 1f, Activation.Relu), Of(BottleneckPlacement.Pfeiffer));
        Assert.Equal((16, 1f, Activation.Silu), Of(BottleneckPlacement.Houlsby));
        Assert.Equal((2, 4f, Activation.Relu), Of(BottleneckPlacement.Parallel));
    }

    [Theory]
    [MemberData(nameof(TinyTuning.Families), MemberType = typeof(TinyTuning))]
    public void It_works_beside_LoRA(string family) => TinyAdapter.AssertComposesWithLoRA(new BottleneckOptions { Reduction = 4 }, family);
}
