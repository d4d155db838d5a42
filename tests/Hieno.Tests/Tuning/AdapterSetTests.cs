using Hieno.Models;
using Hieno.Tuning;

namespace Hieno.Tests.Tuning;

public sealed class AdapterSetTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    // Two adapters of one base, of different rank and targets; both hold a head of their own.
    private readonly (string Folder, float[] Output)[] _saved;

    public AdapterSetTests()
    {
        _saved =
        [
            Tune("first", new LoRAOptions { Rank = 2, ModulesToSave = ["classifier"] }),
            Tune("second", new LoRAOptions { Rank = 4, Targets = ["query", "intermediate.dense"], ModulesToSave = ["classifier"], Bias = LoRABias.LoraOnly }),
        ];
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Adapters_are_switched_by_name_and_off()
    {
        TextModel model = TinyTuning.Classifier("bert");
        float[] plain = TinyTuning.Output(model);
        var adapters = new AdapterSet(model);
        adapters.Load(_saved[0].Folder, "first");
        adapters.Load(_saved[1].Folder, "second");
        Assert.Equal(plain, TinyTuning.Output(model));
        foreach (int i in (int[])[0, 1, 0, 0, 1])
        {
            adapters.Use(i == 0 ? "first" : "second");
            Assert.Equal(_saved[i].Output, TinyTuning.Output(model));
        }

        adapters.Use(null);
        Assert.Equal(plain, TinyTuning.Output(model));
        Assert.Null(adapters.Active);
    }

    [Fact]
    public void Merging_one_leaves_the_other_as_it_was()
    {
        TextModel model = TinyTuning.Classifier("bert");
        var adapters = new AdapterSet(model);
        adapters.Load(_saved[0].Folder, "first");
        adapters.Load(_saved[1].Folder, "second");
        MergedAdapter merged = adapters["first"].Merge();
        float[] output = TinyTuning.Output(model);
        for (int i = 0; i < output.Length; i++)
        {
            Assert.Equal(_saved[0].Output[i], output[i], 1e-5);
        }

        merged.Unmerge();
        adapters.Use("second");
        Assert.Equal(_saved[1].Output, TinyTuning.Output(model));
    }

    [Fact]
    public void A_removed_adapter_is_gone_and_its_name_free()
    {
        TextModel model = TinyTuning.Classifier("bert");
        float[] plain = TinyTuning.Output(model);
        var adapters = new AdapterSet(model);
        adapters.Load(_saved[0].Folder, "first");
        adapters.Use("first");
        Assert.Throws<ArgumentException>(() => adapters.Load(_saved[1].Folder, "first"));
        adapters.Remove("first");
        Assert.Equal(plain, TinyTuning.Output(model));
        var error = Assert.Throws<KeyNotFoundException>(() => adapters.Use("first"));
        Assert.Contains("'first'", error.Message, StringComparison.Ordinal);
        adapters.Load(_saved[1].Folder, "first");
        adapters.Use("first");
        Assert.Equal(_saved[1].Output, TinyTuning.Output(model));
    }

    [Fact]
    public void Two_copies_of_one_module_cannot_stand_in_at_once()
    {
        TextModel model = TinyTuning.Classifier("bert");
        PeftFolder.Load(model, _saved[0].Folder, "first");
        Adapter second = PeftFolder.Load(model, _saved[1].Folder, "second", enabled: false);
        var error = Assert.Throws<InvalidOperationException>(() => second.Enable(true));
        Assert.Contains("holds a copy of classifier.", error.Message, StringComparison.Ordinal);
        Assert.Equal(_saved[0].Output, TinyTuning.Output(model));
        Assert.Throws<InvalidOperationException>(() => PeftFolder.Load(model, _saved[1].Folder, "third"));
        Assert.Equal(_saved[0].Output, TinyTuning.Output(model)); // nothing of it stayed behind
    }

    private (string Folder, float[] Output) Tune(string name, LoRAOptions options)
    {
        TunedModel tuned = options.Create().Apply(TinyTuning.Classifier("bert"), seed: (ulong)name.Length);
        TinyTuning.Train(tuned, steps: 3);
        string folder = _folder.Folder(name);
        PeftFolder.Save(tuned.Adapter!, folder, "base");
        return (folder, TinyTuning.Output(tuned.Model));
    }
}
