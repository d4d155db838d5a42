using Hieno.Models;
using Hieno.Models.Layers;
using Hieno.Tensors;
using Hieno.Testing;
using Hieno.Tuning;

namespace Hieno.Tests.Tuning;

public sealed class DoRAUpdateTests
{
    private static readonly LoRAOptions s_options = new() { Dora = true, Rank = 3, Targets = [LayerTargets.AllLinear] };

    [Theory]
    [MemberData(nameof(TinyTuning.Families), MemberType = typeof(TinyTuning))]
    public void The_first_step_starts_from_the_base_model(string family)
    {
        TextModel model = TinyTuning.Classifier(family);
        float[] before = TinyTuning.Output(model);
        s_options.Create().Apply(model, seed: 3);
        TensorAssert.Close(before, Tensor.FromValues([before.Length], TinyTuning.Output(model)), absolute: 1e-5);
    }

    [Theory]
    [MemberData(nameof(TinyTuning.Families), MemberType = typeof(TinyTuning))]
    public void Merged_rows_have_the_learned_lengths_and_give_the_same_output(string family)
    {
        TextModel model = TinyTuning.Classifier(family);
        Dictionary<string, float[]> weights = TinyTuning.Weights(model);
        TunedModel tuned = s_options.Create().Apply(model, seed: 3);
        float[] losses = TinyTuning.Train(tuned, steps: 12);
        Assert.True(losses[^1] < 0.7f * losses[0], $"{losses[0]} → {losses[^1]}");
        Assert.Equal(weights, TinyTuning.Weights(model));

        float[] apart = TinyTuning.Output(model);
        MergedAdapter merged = tuned.Adapter!.Merge();
        TensorAssert.Close(apart, Tensor.FromValues([apart.Length], TinyTuning.Output(model)), absolute: 1e-4);
        Assert.All(tuned.Adapter.Parts.OfType<DoRAUpdate>(), part =>
        {
            (float[] w, float[] m, Linear layer) = (part.Layer.Weight.Base.ToArray(), part.Magnitude.Value.ToArray(), part.Layer);
            for (int o = 0; o < layer.Out; o++)
            {
                double square = Enumerable.Range(0, layer.In).Sum(i => Math.Pow(w[layer.Transposed ? (i * layer.Out) + o : (o * layer.In) + i], 2));
                Assert.Equal(Math.Abs(m[o]), Math.Sqrt(square), 1e-4);
            }
        });
        merged.Unmerge();
        Assert.Equal(weights, TinyTuning.Weights(model));
    }

    [Fact]
    public void The_product_computed_again_beside_another_adapter_gives_the_same_change()
    {
        TextModel model = TinyTuning.Language("gpt2");
        TunedModel tuned = s_options.Create().Apply(model, seed: 3);
        TinyTuning.Train(tuned, steps: 3);
        float[] alone = TinyTuning.Output(model);
        foreach (Linear layer in TunedModel.Linears(model))
        {
            new Nothing(layer).Attach(); // no change, but no longer alone
        }

        TensorAssert.Close(alone, Tensor.FromValues([alone.Length], TinyTuning.Output(model)), absolute: 1e-4);
    }

    private sealed class Nothing(Linear layer) : LinearUpdate(layer, "other")
    {
        public override IReadOnlyList<Parameter> Parameters => [];
    }
}
