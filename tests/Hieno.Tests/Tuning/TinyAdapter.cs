using System.Text.Json.Nodes;
using Hieno.Formats;
using Hieno.Formats.Peft;
using Hieno.Models;
using Hieno.Tensors;
using Hieno.Testing;
using Hieno.Tests.Shared;
using Hieno.Tuning;

namespace Hieno.Tests.Tuning;

/// <summary>What holds for every method that leaves the model frozen and cannot be merged.</summary>
internal static class TinyAdapter
{
    /// <summary>
    /// Training lowers the loss below a share of its first value and changes no bit of the base; switched off, the model is the base model; merging
    /// is refused by name; what is saved gives the same output on a fresh model.
    /// </summary>
    public static TunedModel AssertLearns(AdapterOptions options, string family, bool classifier, int steps = 12, double rate = 0.05, float share = 0.7f)
    {
        TextModel Open() => classifier ? TinyTuning.Classifier(family) : TinyTuning.Language(family);
        TextModel model = Open();
        float[] untouched = TinyTuning.Output(model);
        Dictionary<string, float[]> weights = TinyTuning.Weights(model);
        TunedModel tuned = options.Create().Apply(model, seed: 3);
        float[] losses = TinyTuning.Train(tuned, steps, rate);
        Assert.True(losses[^1] < share * losses[0], $"{losses[0]} → {losses[^1]}");
        Assert.Equal(weights, TinyTuning.Weights(model));
        float[] learned = TinyTuning.Output(model);
        Assert.NotEqual(untouched, learned);
        Assert.All(tuned.Trainable, parameter => Assert.NotNull(parameter.Value.Grad));

        var error = Assert.Throws<TuningException>(() => tuned.Adapter!.Merge());
        Assert.Equal(ErrorCodes.TuningCannotMerge, error.Code);
        tuned.Adapter!.Enable(false);
        Assert.Equal(untouched, TinyTuning.Output(model));
        tuned.Adapter.Enable(true);
        Assert.Equal(learned, TinyTuning.Output(model));

        using var folder = new TemporaryFolder();
        PeftFolder.Save(tuned.Adapter, folder.Path, "base");
        TextModel fresh = Open();
        Adapter loaded = PeftFolder.Load(fresh, folder.Path);
        TensorAssert.Close(learned, Tensor.FromValues([learned.Length], TinyTuning.Output(fresh)), absolute: 1e-5);
        using var again = new TemporaryFolder();
        PeftFolder.Save(loaded, again.Path, "base");
        Assert.Equal(File.ReadAllBytes(folder.PathOf(PeftAdapterConfig.WeightsFileName)), File.ReadAllBytes(again.PathOf(PeftAdapterConfig.WeightsFileName)));
        return tuned;
    }

    /// <summary>An adapter made here is saved with the names, shapes and settings of a folder of PEFT's.</summary>
    public static void AssertSavedAsPeftDoes(AdapterOptions options, string baseModel, string adapter)
    {
        var golden = GoldenModel.Require(baseModel);
        string theirs = SharedFolder.Require($"golden/peft/{adapter}");
        TunedModel tuned = options.Create().Apply(golden.Load(), seed: 1);
        using var folder = new TemporaryFolder();
        PeftFolder.Save(tuned.Adapter!, folder.Path, $"golden/{baseModel}");
        Assert.Equal(Shapes(theirs), Shapes(folder.Path));
        Assert.Equal(Settings(theirs), Settings(folder.Path));
    }

    /// <summary>Beside LoRA both act; either can be switched off.</summary>
    public static void AssertComposesWithLoRA(AdapterOptions options, string family)
    {
        using var lora = new TemporaryFolder();
        using var other = new TemporaryFolder();
        float[] Saved(AdapterOptions method, string folder)
        {
            TunedModel tuned = method.Create().Apply(TinyTuning.Language(family), seed: 5);
            TinyTuning.Train(tuned, steps: 4);
            PeftFolder.Save(tuned.Adapter!, folder, "base");
            return TinyTuning.Output(tuned.Text());
        }

        float[] alone = Saved(new LoRAOptions { Targets = [LayerTargets.AllLinear] }, lora.Path);
        float[] otherAlone = Saved(options, other.Path);
        TextModel model = TinyTuning.Language(family);
        Adapter first = PeftFolder.Load(model, lora.Path, "first");
        Adapter second = PeftFolder.Load(model, other.Path, "second");
        float[] both = TinyTuning.Output(model);
        Assert.NotEqual(alone, both);
        Assert.NotEqual(otherAlone, both);
        second.Enable(false);
        Assert.Equal(alone, TinyTuning.Output(model));
        second.Enable(true);
        first.Enable(false);
        TensorAssert.Close(otherAlone, Tensor.FromValues([both.Length], TinyTuning.Output(model)), absolute: 1e-5);
    }

    private static string Shapes(string folder)
    {
        using var file = Formats.Safetensors.SafetensorsFile.Open(Path.Combine(folder, PeftAdapterConfig.WeightsFileName));
        return string.Join('\n', file.Entries.Values.Select(entry => $"{entry.Name} [{string.Join(", ", entry.Shape)}]").Order(StringComparer.Ordinal));
    }

    private static string Settings(string folder) =>
        string.Join('\n', JsonNode.Parse(File.ReadAllText(Path.Combine(folder, PeftAdapterConfig.FileName)))!.AsObject()
            .OrderBy(item => item.Key, StringComparer.Ordinal).Select(item => $"{item.Key}: {item.Value?.ToJsonString() ?? "null"}"));
}
