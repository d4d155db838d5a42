using Hieno.Formats;
using Hieno.Models;
using Hieno.Tensors;
using Hieno.Testing;
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

    private static readonly Dictionary<string, AdapterOptions> s_routable = new(StringComparer.Ordinal)
    {
        ["lora"] = new LoRAOptions { Rank = 2, Targets = [LayerTargets.AllLinear] },
        ["lora of another rank"] = new LoRAOptions { Rank = 4 },
        ["dora"] = new LoRAOptions { Rank = 2, Dora = true },
        ["pissa"] = new LoRAOptions { Rank = 2, Initialization = LoRAStart.Pissa },
        ["adalora"] = new AdaLoRAOptions(),
        ["ia3"] = new IA3Options(),
        ["vera"] = new VeRAOptions { Rank = 4 },
        ["loha"] = new LoHaOptions { Rank = 2 },
        ["lokr"] = new LoKrOptions { Rank = 2 },
        ["oft"] = new OFTOptions { BlockSize = 4 },
        ["boft"] = new BOFTOptions { BlockSize = 4 },
        ["hra"] = new HRAOptions { Rank = 2 },
        ["fourierft"] = new FourierFTOptions { Frequencies = 20 },
        ["vblora"] = new VBLoRAOptions { Rank = 2, VectorLength = 8, Vectors = 8 },
        ["bottleneck"] = new BottleneckOptions { Reduction = 4 },
        ["reft"] = new ReftOptions { Rank = 2, FirstTokens = 1, LastTokens = 1 },
        ["llama-adapter"] = new LlamaAdapterOptions { PromptLength = 2, TopBlocks = 1 },
    };

    // Rows of 4, 7 and 2 tokens, as in the batch of all tests.
    private static readonly TokenBatch[] s_rows = [new([3, 17, 9, 22], [4]), new([5, 5, 31, 2, 39, 0, 14], [7]), new([8, 27], [2])];

    public static TheoryData<string, string> Routable
    {
        get
        {
            var cases = new TheoryData<string, string>();
            foreach (string method in s_routable.Keys)
            {
                cases.Add(method, "gpt2");
                cases.Add(method, "llama");
                cases.Add(method, "bert");
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Routable))]
    public void Rows_of_one_batch_through_different_adapters_have_the_bits_of_each_row_alone(string method, string family)
    {
        TextModel model = TinyTuning.Language(family);
        var adapters = new AdapterSet(model);
        adapters.Load(Save(method, family, seed: 5), "first");
        adapters.Load(Save("lora", family, seed: 6), "second");
        string?[][] plans = [["first", null, "second"], ["second", "first", "first"], [null, "first", null], [null, null, null], ["first", "first", "first"]];
        foreach (string?[] names in plans)
        {
            float[] alone = [.. s_rows.Zip(names).SelectMany(pair =>
            {
                adapters.Use(pair.Second);
                float[] output = Logits(model, pair.First);
                adapters.Use(null);
                return output;
            })];

            // Attention to a prompt takes tokens in tiles, whose sums depend on the tokens in them; all else does not.
            double difference = method == "llama-adapter" ? 1e-5 : 0;
            TensorAssert.Close(alone, Tensor.FromValues([alone.Length], Logits(model, adapters.Route(TinyTuning.Batch(), names))), absolute: difference, relative: difference);
        }
    }

    [Fact]
    public void A_mixed_batch_is_differentiated_as_its_rows_alone_also_with_gradient_checkpointing()
    {
        TextModel model = TinyTuning.Language("llama");
        var adapters = new AdapterSet(model);
        adapters.Load(Save("lora", "llama", seed: 5), "first");
        adapters.Load(Save("ia3", "llama", seed: 6), "second");
        foreach (string name in adapters.Names)
        {
            adapters[name].SetTrainable(true);
        }

        Parameter[] learn = [.. adapters.Names.SelectMany(name => adapters[name].Parameters())];
        float[][] Gradients(params (TokenBatch Batch, string? Name)[] passes)
        {
            Array.ForEach(learn, parameter => parameter.Value.ClearGrad());
            foreach ((TokenBatch batch, string? name) in passes)
            {
                adapters.Use(name);
                using var tape = Tape.Begin(record: true);
                Tensor hidden = model.Backbone.Forward(batch);
                tape.Backward(Ops.Sum(Ops.Mul(hidden, hidden)));
            }

            adapters.Use(null);
            return [.. learn.Select(parameter => parameter.Value.Grad?.ToArray() ?? new float[parameter.Count])];
        }

        float[][] alone = Gradients((s_rows[0], "first"), (s_rows[1], "second"), (s_rows[2], "first"));
        TokenBatch mixed = adapters.Route(TinyTuning.Batch(), ["first", "second", "first"]);
        foreach (bool checkpointing in (bool[])[false, true])
        {
            model.Backbone.GradientCheckpointing = checkpointing;
            float[][] together = Gradients((mixed, null));
            Assert.All(alone.Zip(together), pair => TensorAssert.Close(pair.First, Tensor.FromValues([pair.Second.Length], pair.Second), absolute: 1e-4));
        }
    }

    [Fact]
    public void An_adapter_that_cannot_serve_some_rows_only_is_refused_by_name()
    {
        TextModel model = TinyTuning.Language("llama");
        var adapters = new AdapterSet(model);
        adapters.Load(Save(new PromptTuningOptions { VirtualTokens = 2 }, "llama", seed: 1), "prompt");
        adapters.Load(Save(new LnTuningOptions(), "llama", seed: 1), "norms");
        adapters.Load(Save("lora", "llama", seed: 1), "lora");
        TuningException Refusal(string name) => Assert.Throws<TuningException>(() => adapters.Route(TinyTuning.Batch(), [null, name, null]));
        Assert.StartsWith("adapter 'prompt': it adds 2 positions, which all rows of a batch have or none. Switch to it", Refusal("prompt").Message, StringComparison.Ordinal);
        Assert.StartsWith("adapter 'norms': it holds a copy of model.layers.0.input_layernorm.weight, which", Refusal("norms").Message, StringComparison.Ordinal);
        Assert.Throws<KeyNotFoundException>(() => adapters.Route(TinyTuning.Batch(), [null, "absent", null]));
        adapters.Use("lora");
        Assert.Equal(ErrorCodes.TuningCannotRoute, Refusal("lora").Code);
    }

    private static float[] Logits(TextModel model, TokenBatch batch)
    {
        using var tape = Tape.Begin(record: false);
        return model.Logits(batch).ToArray();
    }

    private string Save(string method, string family, ulong seed) => Save(s_routable[method], family, seed);

    private string Save(AdapterOptions options, string family, ulong seed)
    {
        TunedModel tuned = options.Create().Apply(TinyTuning.Language(family), seed);
        TinyTuning.Train(tuned, steps: 3);
        string folder = _folder.Folder($"{options.GetType().Name}-{family}-{seed}");
        PeftFolder.Save(tuned.Adapter!, folder, "base");
        return folder;
    }

    private (string Folder, float[] Output) Tune(string name, LoRAOptions options)
    {
        TunedModel tuned = options.Create().Apply(TinyTuning.Classifier("bert"), seed: (ulong)name.Length);
        TinyTuning.Train(tuned, steps: 3);
        string folder = _folder.Folder(name);
        PeftFolder.Save(tuned.Adapter!, folder, "base");
        return (folder, TinyTuning.Output(tuned.Text()));
    }
}
