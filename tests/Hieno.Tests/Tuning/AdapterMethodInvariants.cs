using Hieno.Models;
using Hieno.Tensors;
using Hieno.Testing;
using Hieno.Tuning;

namespace Hieno.Tests.Tuning;

/// <summary>What holds for every method that leaves the base frozen and trains an adapter beside it; the tests of a method inherit it.</summary>
public abstract class AdapterMethodInvariants : IDisposable
{
    /// <summary>A folder of the test's own.</summary>
    private protected TemporaryFolder Folder { get; } = new();

    /// <summary>The method on a tiny model.</summary>
    protected abstract AdapterOptions Options { get; }

    /// <summary>How far the first step may lie from the base model; 0 means bit for bit.</summary>
    protected virtual double StartDifference => 0;

    /// <summary>Steps and rate after which the loss is below 0.7 of the first.</summary>
    protected virtual (int Steps, double Rate) Learning => (12, 0.02);

    /// <summary>How many numbers learn.</summary>
    protected abstract long CountFor(string family);

    public void Dispose()
    {
        Folder.Dispose();
        GC.SuppressFinalize(this);
    }

    [Theory]
    [MemberData(nameof(TinyTuning.Families), MemberType = typeof(TinyTuning))]
    public void The_first_step_starts_from_the_base_model(string family)
    {
        TextModel model = TinyTuning.Classifier(family);
        float[] before = TinyTuning.Output(model);
        Options.Create().Apply(model, seed: 3);
        TensorAssert.Close(before, Tensor.FromValues([before.Length], TinyTuning.Output(model)), absolute: StartDifference, relative: 0);
    }

    [Theory]
    [MemberData(nameof(TinyTuning.Families), MemberType = typeof(TinyTuning))]
    public void Training_lowers_the_loss_and_changes_no_bit_of_the_base(string family)
    {
        TextModel model = TinyTuning.Language(family);
        Dictionary<string, float[]> before = TinyTuning.Weights(model);
        float[] output = TinyTuning.Output(model);
        TunedModel tuned = Options.Create().Apply(model, seed: 3);
        float[] losses = TinyTuning.Train(tuned, Learning.Steps, Learning.Rate);
        Assert.True(losses[^1] < 0.7f * losses[0], $"{losses[0]} → {losses[^1]}");
        Assert.NotEqual(output, TinyTuning.Output(model));
        Assert.Equal(before, TinyTuning.Weights(model));

        tuned.Adapter!.Enable(false);
        Assert.Equal(output, TinyTuning.Output(model));
    }

    [Theory]
    [MemberData(nameof(TinyTuning.Families), MemberType = typeof(TinyTuning))]
    public void As_many_numbers_learn_as_the_formula_says(string family) =>
        Assert.Equal(CountFor(family), Options.Create().Apply(TinyTuning.Language(family), seed: 3).TrainableCount);

    [Theory]
    [MemberData(nameof(TinyTuning.Families), MemberType = typeof(TinyTuning))]
    public void Merged_it_gives_the_same_output_and_unmerged_the_same_bits(string family)
    {
        TextModel model = TinyTuning.Classifier(family);
        Dictionary<string, float[]> before = TinyTuning.Weights(model);
        TunedModel tuned = Options.Create().Apply(model, seed: 3);
        TinyTuning.Train(tuned, steps: 5);
        float[] apart = TinyTuning.Output(model);

        MergedAdapter merged = tuned.Adapter!.Merge();
        Assert.Empty(model.AttachedParts());
        TensorAssert.Close(apart, Tensor.FromValues([apart.Length], TinyTuning.Output(model)), absolute: 1e-4);
        Assert.NotEqual(before, TinyTuning.Weights(model));

        merged.Unmerge();
        Assert.Equal(before, TinyTuning.Weights(model));
        Assert.Equal(apart, TinyTuning.Output(model));
    }

    [Theory]
    [MemberData(nameof(TinyTuning.Families), MemberType = typeof(TinyTuning))]
    public void A_saved_adapter_gives_the_same_output_on_a_fresh_model(string family)
    {
        TextModel model = TinyTuning.Classifier(family);
        TunedModel tuned = Options.Create().Apply(model, seed: 3);
        TinyTuning.Train(tuned, steps: 3);
        PeftFolder.Save(tuned.Adapter!, Folder.Path, "base");

        TextModel fresh = TinyTuning.Classifier(family);
        PeftFolder.Load(fresh, Folder.Path);
        Assert.Equal(TinyTuning.Output(model), TinyTuning.Output(fresh));
        Assert.DoesNotContain(TunedModel.AllParameters(fresh), parameter => parameter.Trainable && parameter.Kind != ParameterKind.Head);
    }
}
