using System.Text.Json;
using Hieno.Formats;
using Hieno.Models;
using Hieno.Models.Layers;
using Hieno.Recipes;
using Hieno.Tensors;
using Hieno.Tensors.Cpu;
using Hieno.Testing;
using Hieno.Tests.Merging;
using Hieno.Tests.Training;
using Hieno.Training;
using Hieno.Tuning;

namespace Hieno.Tests.Tuning;

public sealed class QuantizedBaseTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string> Families => TinyTuning.Families;

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Families))]
    public void Linear_layers_below_the_head_are_in_4_bits_and_nothing_else_is(string family)
    {
        TextModel model = Open(family);
        foreach (Parameter parameter in model.Parameters())
        {
            bool isProjection = parameter.Kind is ParameterKind.Attention or ParameterKind.FeedForward && parameter.Base.Shape.Rank == 2;
            Assert.Equal(isProjection, parameter.Base.DType == DType.NF4);
        }

        TextModel kept = TextModel.Load(_folder.PathOf(family), HeadChoice.Language, quantization: new WeightQuantization(DType.NF4, [LastLayer(model)]));
        Assert.All(kept.Modules().OfType<Linear>().Where(layer => layer.Path.EndsWith("." + LastLayer(model), StringComparison.Ordinal)), layer => Assert.Equal(DType.F32, layer.Weight.Base.DType));
        Assert.Contains(kept.Parameters(), parameter => parameter.Base.DType == DType.NF4);
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void It_computes_bit_by_bit_what_the_model_of_its_expanded_numbers_computes(string family)
    {
        TextModel model = Open(family);
        TextModel expanded = Open(family);
        foreach (Parameter parameter in expanded.Parameters())
        {
            parameter.MakeWritable();
            Assert.Equal(DType.F32, parameter.Base.DType);
        }

        Assert.Equal(TinyTuning.Output(expanded), TinyTuning.Output(model));
        Assert.NotEqual(TinyTuning.Output(TextModel.Load(_folder.PathOf(family), HeadChoice.Language)), TinyTuning.Output(model));

        // Also what an adapter learns on it.
        float[] losses = TinyTuning.Train(Lora.Create().Apply(model, seed: 3), steps: 4, rate: 0.02);
        Assert.Equal(TinyTuning.Train(Lora.Create().Apply(expanded, seed: 3), steps: 4, rate: 0.02), losses);
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void Training_lowers_the_loss_and_changes_no_bit_of_the_base(string family)
    {
        TextModel model = Open(family);
        float[] output = TinyTuning.Output(model);
        Dictionary<string, float[]> before = TinyTuning.Weights(model);
        TunedModel tuned = Lora.Create().Apply(model, seed: 3);
        Assert.Equal(output, TinyTuning.Output(model));
        float[] losses = TinyTuning.Train(tuned, steps: 12, rate: 0.02);
        Assert.True(losses[^1] < 0.7f * losses[0], $"{losses[0]} → {losses[^1]}");
        Assert.Equal(before, TinyTuning.Weights(model));
        tuned.Adapter!.Enable(false);
        Assert.Equal(output, TinyTuning.Output(model));
    }

    private static AdapterOptions[] Methods =>
    [
        Lora,
        Lora with { Dora = true },
        Lora with { Initialization = LoRAStart.Pissa },
        Lora with { Bias = LoRABias.All },
        new IA3Options(),
        new VeRAOptions { Targets = [LayerTargets.AllLinear] },
        new LoHaOptions { Targets = [LayerTargets.AllLinear] },
        new LoKrOptions { Targets = [LayerTargets.AllLinear] },
        new OFTOptions { BlockSize = 4, Targets = [LayerTargets.AllLinear] },
        new HRAOptions { Targets = [LayerTargets.AllLinear] },
        new FourierFTOptions { Frequencies = 40, Targets = [LayerTargets.AllLinear] },
        new LnTuningOptions(),
    ];

    [Theory]
    [MemberData(nameof(Families))]
    public void Every_kind_of_adapter_learns_on_it_and_merges_into_32_bits(string family)
    {
        foreach (AdapterOptions options in Methods)
        {
            TextModel model = Open(family);
            Dictionary<string, float[]> before = TinyTuning.Weights(model);
            TunedModel tuned = options.Create().Apply(model, seed: 3);
            float[] losses = TinyTuning.Train(tuned, steps: 6, rate: 0.01);
            Assert.True(losses[^1] < losses[0], $"{options.GetType().Name} on {family}: {losses[0]} → {losses[^1]}");
            Assert.Equal(before, TinyTuning.Weights(model));

            float[] apart = TinyTuning.Output(model);
            MergedAdapter merged = tuned.Adapter!.Merge();
            TensorAssert.Close(apart, Tensor.FromValues([apart.Length], TinyTuning.Output(model)), absolute: 1e-4);
            merged.Unmerge();
            Assert.Equal(before, TinyTuning.Weights(model));
        }
    }

    [Fact]
    public void Its_weights_cannot_be_trained_but_copies_of_them_can()
    {
        TextModel model = Open("gpt2");
        Linear layer = model.Modules().OfType<Linear>().First();
        Assert.Contains("cannot be trained", Assert.Throws<InvalidOperationException>(() => layer.Weight.Trainable = true).Message, StringComparison.Ordinal);

        TunedModel tuned = (Lora with { Targets = ["c_fc"], ModulesToSave = ["c_attn"] }).Create().Apply(model, seed: 3);
        Assert.All(tuned.Trainable, parameter => Assert.Equal(DType.F32, parameter.Value.DType));
        TinyTuning.Train(tuned, steps: 2);
        Assert.Equal(DType.NF4, layer.Weight.Base.DType);
    }

    [Fact]
    public void A_saved_adapter_says_how_its_base_was_quantised_and_is_opened_on_it()
    {
        TextModel model = Open("gpt2");
        TunedModel tuned = Lora.Create().Apply(model, seed: 3);
        TinyTuning.Train(tuned, steps: 3);
        string folder = _folder.Folder("adapter");
        PeftFolder.Save(tuned.Adapter!, folder, _folder.PathOf("gpt2"));
        using JsonDocument file = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, QuantizedBase.FileName)));
        Assert.Equal(("nf4", 64), (file.RootElement.GetProperty("kind").GetString(), file.RootElement.GetProperty("blockSize").GetInt32()));

        LoadedModel asTrained = LoadedModel.Open(folder);
        Assert.Equal(TinyTuning.Output(model), TinyTuning.Output(asTrained.Text));
        LoadedModel onFile = LoadedModel.Open(folder, quantized: false);
        Assert.Null(onFile.Text.Quantization);
        Assert.NotEqual(TinyTuning.Output(model), TinyTuning.Output(onFile.Text));

        float[] expected = TinyTuning.Output(asTrained.Text);
        asTrained.SaveMerged(_folder.PathOf("merged"));
        float[] merged = TinyTuning.Output(LoadedModel.Open(_folder.PathOf("merged")).Text);
        TensorAssert.Close(expected, Tensor.FromValues([expected.Length], merged), absolute: 1e-4);
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void Several_adapters_and_the_norms_learn_on_it_together_and_are_opened_on_it_again(string family)
    {
        TextModel model = Open(family);
        Dictionary<string, float[]> before = TinyTuning.Weights(model);
        TunedModel tuned = new SeveralOptions { Methods = [new IA3Options(), Lora, new NormsOptions()] }.Create().Apply(model, seed: 3);
        float[] losses = TinyTuning.Train(tuned, steps: 6, rate: 0.01);
        Assert.True(losses[^1] < losses[0], $"{losses[0]} → {losses[^1]}");
        float[] output = TinyTuning.Output(model);
        string folder = _folder.Folder($"several-{family}");
        AdapterFolders.Save(tuned.Adapters, folder, _folder.PathOf(family));
        Assert.Equal(output, TinyTuning.Output(LoadedModel.Open(folder, HeadKind.Language).Text));
        foreach (Adapter adapter in tuned.Adapters)
        {
            adapter.Enable(false);
        }

        Assert.Equal(before, TinyTuning.Weights(model));
    }

    [Fact]
    public void Of_several_methods_those_that_train_the_quantised_base_are_refused_by_name()
    {
        Recipe recipe = new()
        {
            Base = "base", Task = new Hieno.Objectives.ClassificationOptions(), Data = new Hieno.Data.DataOptions { Train = ["t.jsonl"] }, Output = "o",
            Quantization = new Nf4Options(), Tuning = new SeveralOptions { Methods = [Lora, new PartialOptions { LastBlocks = 1 }, new NormsOptions()] },
        };
        Assert.EndsWith("these train them: partial. Take them out of 'tuning.methods', or remove 'quantization'.", Assert.Single(recipe.Validate()), StringComparison.Ordinal);
        Assert.Empty((recipe with { Tuning = new SeveralOptions { Methods = [Lora, new BitFitOptions()] } }).Validate());
    }

    [Fact]
    public void An_unknown_kind_beside_an_adapter_is_refused()
    {
        _folder.Write($"strange/{QuantizedBase.FileName}", """{ "kind": "nf3" }""");
        Assert.Equal(ErrorCodes.AdapterUnsupported, Assert.Throws<CheckpointException>(() => QuantizedBase.Read(_folder.PathOf("strange"))).Code);
        Assert.Null(QuantizedBase.Read(_folder.Path));
    }

    [Fact]
    public void A_run_gives_the_same_bytes_on_1_2_and_3_threads_and_after_a_resume()
    {
        using var run = TinyRun.Language();
        TinyRun.Train(run.Recipe("pretrained"));
        Recipe recipe = run.Recipe("single", tuning: Lora) with { Base = run["pretrained/final"], Start = Start.Pretrained, Quantization = new Nf4Options { Keep = ["c_fc"] } };
        TinyRun.Train(recipe, new FineTunerOptions { Backend = new CpuBackend(1) });
        Assert.Contains("\"nf4\"", File.ReadAllText(Path.Combine(recipe.Output, RunFolder.RunFileName)), StringComparison.Ordinal);
        foreach (int threads in (int[])[2, 3])
        {
            Recipe other = recipe with { Output = run[$"threads{threads}"] };
            TinyRun.Train(other, new FineTunerOptions { Backend = new CpuBackend(threads) });
            Assert.Equal(TinyRun.FinalHash(recipe), TinyRun.FinalHash(other));
        }

        Recipe stopped = recipe with { Output = run["stopped"] };
        TinyRun.TrainUntil(stopped, 3);
        TinyRun.Train(stopped, new FineTunerOptions { Resume = true });
        Assert.Equal(TinyRun.FinalHash(recipe), TinyRun.FinalHash(stopped));
    }

    [Fact]
    public void A_recipe_that_changes_a_quantised_base_is_refused_by_name()
    {
        const string Text = """
            base: ./model
            quantization: nf4
            task: sft
            data: { train: a.jsonl }
            tuning: full
            output: runs/x
            """;
        var error = Assert.Throws<RecipeException>(() => RecipeFile.Parse<Recipe>(Text, "recipe.yaml", RecipeFormat.Yaml, BuiltIns.Kinds(), null));
        Assert.Equal(ErrorCodes.RecipeSettingsConflict, error.Code);
        Assert.StartsWith("recipe.yaml, line 2, column ", error.Message, StringComparison.Ordinal);
        Assert.Contains("'tuning: full' trains and saves the base itself", error.Message, StringComparison.Ordinal);
        Assert.NotNull(RecipeFile.Parse<Recipe>(Text.Replace("full", "lora", StringComparison.Ordinal), "recipe.yaml", RecipeFormat.Yaml, BuiltIns.Kinds(), null).Value.Quantization);

        using var run = TinyRun.Language(); // a recipe made in code
        Recipe random = run.Recipe(tuning: Lora) with { Quantization = new Nf4Options() };
        Assert.Contains("'start: random'", Assert.Throws<TrainingException>(() => TinyRun.Train(random)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_name_to_keep_that_fits_no_layer_is_an_error()
    {
        using var run = TinyRun.Language();
        TinyRun.Train(run.Recipe("pretrained"));
        Recipe recipe = run.Recipe(tuning: Lora) with { Base = run["pretrained/final"], Start = Start.Pretrained, Quantization = new Nf4Options { Keep = ["q_proj"] } };
        var error = Assert.Throws<TuningException>(() => TinyRun.Train(recipe));
        Assert.Contains("no linear layer's name ends with 'q_proj'. This model has c_attn, c_proj, c_fc", error.Message, StringComparison.Ordinal);
    }

    private static LoRAOptions Lora => new() { Rank = 4, Targets = [LayerTargets.AllLinear] };

    private TextModel Open(string family)
    {
        if (!Directory.Exists(_folder.PathOf(family)))
        {
            TinyModels.Save(_folder, family, seed: 0, family);
        }

        return TextModel.Load(_folder.PathOf(family), HeadChoice.Language, quantization: new WeightQuantization(DType.NF4, []));
    }

    private static string LastLayer(TextModel model)
    {
        string path = model.Modules().OfType<Linear>().Last(layer => layer.Weight.Kind == ParameterKind.FeedForward).Path;
        return path[(path.LastIndexOf('.') + 1)..];
    }
}
