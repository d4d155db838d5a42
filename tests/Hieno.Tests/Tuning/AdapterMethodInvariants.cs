using System.Text.Json.Nodes;
using Hieno.Formats.Peft;
using Hieno.Formats.Safetensors;
using Hieno.Models;
using Hieno.Tensors;
using Hieno.Testing;
using Hieno.Tests.Shared;
using Hieno.Tuning;

namespace Hieno.Tests.Tuning;

/// <summary>What holds for every method that leaves the base frozen and trains an adapter beside it; the tests of a method inherit it.</summary>
public abstract class AdapterMethodInvariants : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    /// <summary>The method on a tiny model.</summary>
    protected abstract AdapterOptions Options { get; }

    /// <summary>How far the first step may lie from the base model; 0 means bit for bit.</summary>
    protected virtual double StartDifference => 0;

    /// <summary>Steps and rate after which the loss is below 0.7 of the first.</summary>
    protected virtual (int Steps, double Rate) Learning => (12, 0.02);

    /// <summary>The same settings as an adapter of PEFT's in the shared folder: its name, its base model, the settings; null where there is none.</summary>
    protected abstract (string Folder, string Base, AdapterOptions Options)? Golden { get; }

    /// <summary>Keys that differ on purpose: the reference started its adapters at random, and newer versions write more.</summary>
    protected virtual string[] KeysApart => [];

    /// <summary>How many numbers learn.</summary>
    protected abstract long CountFor(string family);

    public void Dispose()
    {
        _folder.Dispose();
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
        PeftFolder.Save(tuned.Adapter!, _folder.Path, "base");

        TextModel fresh = TinyTuning.Classifier(family);
        PeftFolder.Load(fresh, _folder.Path);
        Assert.Equal(TinyTuning.Output(model), TinyTuning.Output(fresh));
        Assert.DoesNotContain(TunedModel.AllParameters(fresh), parameter => parameter.Trainable && parameter.Kind != ParameterKind.Head);
    }

    [SkippableFact]
    [Trait("tier", "golden")]
    public void An_adapter_made_here_has_the_names_shapes_and_settings_that_peft_writes()
    {
        Skip.If(Golden is null, "There is no adapter of PEFT's with the layout that is written.");
        (string name, string baseModel, AdapterOptions options) = Golden!.Value;
        string folder = SharedFolder.Require($"golden/peft/{name}");
        TextModel model = GoldenModel.Require(baseModel).Load();
        PeftFolder.Save(options.Create().Apply(model, seed: 3).Adapter!, _folder.Path, $"golden/{baseModel}");

        using var theirs = SafetensorsFile.Open(Path.Combine(folder, PeftAdapterConfig.WeightsFileName));
        using var ours = SafetensorsFile.Open(_folder.PathOf(PeftAdapterConfig.WeightsFileName));
        Assert.Equal(Described(theirs), Described(ours));

        JsonObject expected = ConfigOf(folder);
        JsonObject actual = ConfigOf(_folder.Path);
        string[] apart = ["target_modules", "init_weights", "init_ia3_weights", .. KeysApart];
        Assert.All(expected.Where(item => !apart.Contains(item.Key)), item => Assert.True(JsonNode.DeepEquals(item.Value, actual[item.Key]), $"{item.Key}: {actual[item.Key]}"));
        Assert.Equal(Sorted(expected["target_modules"]!), Sorted(actual["target_modules"]!));
        Assert.Empty(expected.Select(item => item.Key).Except(actual.Select(item => item.Key)));
        Assert.Empty(actual.Select(item => item.Key).Except(expected.Select(item => item.Key)).Except(KeysApart));
    }

    private static JsonObject ConfigOf(string folder) => JsonNode.Parse(File.ReadAllText(Path.Combine(folder, PeftAdapterConfig.FileName)))!.AsObject();

    private static string[] Sorted(JsonNode list) => [.. list.AsArray().Select(item => item!.GetValue<string>()).Order(StringComparer.Ordinal)];

    private static string[] Described(SafetensorsFile file) =>
        [.. file.Entries.Values.Select(entry => $"{entry.Name} {entry.DType} [{string.Join(", ", entry.Shape)}]").Order(StringComparer.Ordinal)];
}
