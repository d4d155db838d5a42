using Hieno.Models;
using Hieno.Tensors;
using Hieno.Testing;
using Hieno.Tuning;

namespace Hieno.Tests.Tuning;

public sealed class AdapterTests
{
    [Theory]
    [InlineData("bert")] // weights stored [out, in]
    [InlineData("gpt2")] // weights stored [in, out]
    [InlineData("llama")]
    public void Merged_weights_give_the_same_output_as_the_adapter_and_come_apart_bit_for_bit(string family)
    {
        TextModel model = TinyTuning.Classifier(family);
        var options = new LoRAOptions { Targets = [LayerTargets.AllLinear], Bias = LoRABias.All, ModulesToSave = [family == "bert" ? "classifier" : "score"] };
        TunedModel tuned = options.Create().Apply(model, seed: 3);
        TinyTuning.Train(tuned, steps: 3);
        Dictionary<string, float[]> weights = TinyTuning.Weights(model);
        float[] apart = TinyTuning.Output(model);

        MergedAdapter merged = tuned.Adapter!.Merge();
        Assert.All(TunedModel.Linears(model), layer => Assert.Empty(layer.Updates));
        Assert.All(model.Parameters(), parameter => Assert.Same(parameter.Base, parameter.Value));
        TensorAssert.Close(apart, Tensor.FromValues([apart.Length], TinyTuning.Output(model)), absolute: 1e-5);
        Assert.NotEqual(weights, TinyTuning.Weights(model));

        merged.Unmerge();
        Assert.Equal(weights, TinyTuning.Weights(model));
        Assert.Equal(apart, TinyTuning.Output(model));
        TinyTuning.Train(tuned, steps: 2); // and can be trained on
        Assert.Equal(weights, TinyTuning.Weights(model));
        Assert.NotEqual(apart, TinyTuning.Output(model));
    }

    [Fact]
    public void Weights_mapped_from_a_file_are_mapped_again_after_unmerging()
    {
        using var folder = new TemporaryFolder();
        WeightFiles.SaveModel(TinyTuning.Language("llama"), folder.Path, companions: null);
        TextModel model = TextModel.Load(folder.Path, HeadChoice.Language);
        TunedModel tuned = new LoRAOptions().Create().Apply(model, seed: 3);
        Tensor mapped = tuned.Adapter!.Parts.OfType<LoRAUpdate>().First().Layer.Weight.Base;
        Assert.True(mapped.Storage.IsBorrowed);
        MergedAdapter merged = tuned.Adapter.Merge();
        Assert.NotSame(mapped, tuned.Adapter.Parts.OfType<LoRAUpdate>().First().Layer.Weight.Base);
        merged.Unmerge();
        Assert.Same(mapped, tuned.Adapter.Parts.OfType<LoRAUpdate>().First().Layer.Weight.Base);
    }

    [Fact]
    public void What_makes_no_sense_is_refused()
    {
        TextModel model = TinyTuning.Language("llama");
        Adapter adapter = new LoRAOptions().Create().Apply(model, seed: 3).Adapter!;
        Assert.Throws<ArgumentException>(() => new LoRAOptions().Create().Apply(model, seed: 4)); // both would be called default
        MergedAdapter merged = adapter.Merge();
        Assert.Throws<InvalidOperationException>(adapter.Merge);
        Assert.Throws<InvalidOperationException>(() => adapter.Enable(false));
        merged.Unmerge();
        Assert.Throws<InvalidOperationException>(merged.Unmerge);
    }

    [Fact]
    public void A_detached_adapter_leaves_the_base_model()
    {
        TextModel model = TinyTuning.Classifier("bert");
        float[] before = TinyTuning.Output(model);
        TunedModel tuned = new LoRAOptions { ModulesToSave = ["classifier"], Bias = LoRABias.LoraOnly }.Create().Apply(model, seed: 3);
        TinyTuning.Train(tuned, steps: 2);
        tuned.Adapter!.Detach();
        Assert.Equal(before, TinyTuning.Output(model));
        Assert.All(TunedModel.Linears(model), layer => Assert.Empty(layer.Updates));
    }
}
