using Hieno.Formats;
using Hieno.Models;
using Hieno.Models.Layers;
using Hieno.Tensors;
using Hieno.Testing;
using Hieno.Tuning;

namespace Hieno.Tests.Tuning;

public sealed class LoRATests
{
    [Theory]
    [MemberData(nameof(TinyTuning.Families), MemberType = typeof(TinyTuning))]
    public void The_first_step_starts_from_the_base_model_bit_for_bit(string family)
    {
        TextModel model = TinyTuning.Language(family);
        float[] before = TinyTuning.Output(model);
        Apply(model, new LoRAOptions { Targets = [LayerTargets.AllLinear] });
        Assert.Equal(before, TinyTuning.Output(model));
    }

    [Theory]
    [MemberData(nameof(TinyTuning.Families), MemberType = typeof(TinyTuning))]
    public void At_the_first_step_only_B_has_a_gradient(string family)
    {
        TunedModel tuned = Apply(TinyTuning.Language(family), new LoRAOptions { Targets = [LayerTargets.AllLinear] });
        TinyTuning.Differentiate(tuned);
        foreach (LoRAUpdate update in tuned.Adapter!.Parts.OfType<LoRAUpdate>())
        {
            Assert.All(update.A.Value.Grad!.ToArray(), value => Assert.Equal(0f, value)); // ∂L/∂A = s·Bᵀ…, and B is 0
            Assert.True(update.B.Value.Grad!.ToArray().Any(value => value != 0), $"{update.Layer.Path}: B has no gradient");
        }
    }

    [Theory]
    [MemberData(nameof(TinyTuning.Families), MemberType = typeof(TinyTuning))]
    public void Training_lowers_the_loss_and_changes_no_bit_of_the_base(string family)
    {
        TextModel model = TinyTuning.Language(family);
        Dictionary<string, float[]> before = TinyTuning.Weights(model);
        float[] output = TinyTuning.Output(model);
        TunedModel tuned = Apply(model, new LoRAOptions { Bias = LoRABias.All, Targets = [LayerTargets.AllLinear] });
        float[] losses = TinyTuning.Train(tuned, steps: 12);
        Assert.True(losses[^1] < 0.7f * losses[0], $"{losses[0]} → {losses[^1]}");
        Assert.NotEqual(output, TinyTuning.Output(model));
        Assert.Equal(before, TinyTuning.Weights(model));

        tuned.Adapter!.Enable(false);
        Assert.Equal(output, TinyTuning.Output(model));
    }

    [Theory]
    [InlineData("bert", "query", 2 * 4 * (16 + 16))]
    [InlineData("gpt2", "c_attn", 2 * 4 * (16 + 48))]
    [InlineData("gpt2", "mlp.c_proj", 2 * 4 * (24 + 16))]
    [InlineData("llama", "v_proj", 2 * 4 * (16 + 8))]
    [InlineData("llama", "down_proj", 2 * 4 * (24 + 16))]
    [InlineData("llama", "model.layers.1.self_attn.q_proj", 4 * (16 + 16))]
    public void A_pair_has_rank_times_inputs_plus_outputs_weights(string family, string target, long expected)
    {
        TunedModel tuned = Apply(TinyTuning.Language(family), new LoRAOptions { Rank = 4, Targets = [target] });
        Assert.Equal(expected, tuned.TrainableCount);
        Assert.Equal(TinyTuning.Language(family).Parameters().Sum(parameter => parameter.Count) + expected, tuned.TotalCount);
    }

    [Fact]
    public void Targets_are_the_familys_usual_ones_unless_named()
    {
        Assert.All(Paths(Apply(TinyTuning.Language("bert"), new LoRAOptions())), path => Assert.Matches("self\\.(query|value)$", path));
        Assert.Equal(["transformer.h.0.attn.c_attn", "transformer.h.1.attn.c_attn"], Paths(Apply(TinyTuning.Language("gpt2"), new LoRAOptions())));
        Assert.All(Paths(Apply(TinyTuning.Language("llama"), new LoRAOptions())), path => Assert.Matches("(q|v)_proj$", path));
    }

    [Theory]
    [InlineData("bert", 2 * 6)]
    [InlineData("gpt2", 2 * 4)]
    [InlineData("llama", 2 * 7)]
    public void All_linear_means_every_linear_layer_below_the_head(string family, int expected)
    {
        Assert.Equal(expected, Paths(Apply(TinyTuning.Language(family), new LoRAOptions { Targets = [LayerTargets.AllLinear] })).Length);
        Assert.Equal(expected, Paths(Apply(TinyTuning.Classifier(family), new LoRAOptions { Targets = [LayerTargets.AllLinear] })).Length);
    }

    [Theory]
    [InlineData(false, 2.0)]
    [InlineData(true, 4.0)]
    public void The_scale_is_alpha_over_the_rank_or_over_its_root(bool rsLora, double expected)
    {
        TunedModel tuned = Apply(TinyTuning.Language("bert"), new LoRAOptions { Rank = 4, Alpha = 8, RsLora = rsLora });
        Assert.All(tuned.Adapter!.Parts.OfType<LoRAUpdate>(), pair => Assert.Equal(expected, pair.Scale, 1e-6));
    }

    [Fact]
    public void Numbers_drawn_for_a_layer_do_not_depend_on_the_other_targets()
    {
        float[] alone = Apply(TinyTuning.Language("llama"), new LoRAOptions { Targets = ["v_proj"] }).Adapter!.Parts.OfType<LoRAUpdate>().First().A.Value.ToArray();
        TunedModel together = Apply(TinyTuning.Language("llama"), new LoRAOptions { Targets = ["q_proj", "v_proj"] });
        Assert.Equal(alone, together.Adapter!.Parts.OfType<LoRAUpdate>().First(pair => pair.Layer.Path.EndsWith("0.self_attn.v_proj", StringComparison.Ordinal)).A.Value.ToArray());
        Assert.All(alone, value => Assert.InRange(value, -0.25f, 0.25f)); // ±1/√16
        Assert.True(alone.Max() > 0.15f && alone.Min() < -0.15f);
    }

    [Fact]
    public void Dropout_acts_on_the_input_of_A_only()
    {
        TextModel model = TinyTuning.Language("llama");
        TunedModel tuned = Apply(model, new LoRAOptions { Dropout = 0.5 });
        var dropout = new DropoutSource(new Rng(3, RngStream.Dropout), 0);
        Assert.Equal(LossOf(model, null), LossOf(model, dropout)); // B is 0: a mask on the base path would show

        TinyTuning.Train(tuned, steps: 3);
        Assert.NotEqual(LossOf(model, null), LossOf(model, new DropoutSource(new Rng(3, RngStream.Dropout), 0)));
    }

    [Fact]
    public void The_layer_computes_the_papers_formula()
    {
        TunedModel tuned = Apply(TinyTuning.Language("gpt2"), new LoRAOptions { Rank = 3, Alpha = 5 });
        LoRAUpdate update = tuned.Adapter!.Parts.OfType<LoRAUpdate>().First();
        Linear layer = update.Layer;
        Fill(update.B, 4);
        float[] x = new float[2 * 16];
        new Rng(5, RngStream.Initialization).FillNormal(x, 0, 1, step: 0);

        float[] w = layer.Weight.Value.ToArray();
        float[] a = update.A.Value.ToArray();
        float[] b = update.B.Value.ToArray();
        double[] expected = new double[2 * 48];
        for (int row = 0; row < 2; row++)
        {
            for (int o = 0; o < 48; o++)
            {
                double sum = layer.Bias!.Value.ToArray()[o];
                for (int i = 0; i < 16; i++)
                {
                    double change = 0;
                    for (int r = 0; r < 3; r++)
                    {
                        change += (double)b[(o * 3) + r] * a[(r * 16) + i];
                    }

                    sum += x[(row * 16) + i] * (w[(i * 48) + o] + (5.0 / 3 * change)); // Conv1D stores W as [in, out]
                }

                expected[(row * 48) + o] = sum;
            }
        }

        using var tape = Tape.Begin(record: false);
        TensorAssert.Close(expected, layer.Forward(Tensor.FromValues([2, 16], x)), absolute: 1e-5);
    }

    [Theory]
    [InlineData("llama", "embed_tokens")]
    [InlineData("gpt2", "wpe")]
    [InlineData("bert", "word_embeddings")]
    public void A_pair_beside_a_table_changes_the_rows_as_the_merged_table_does(string family, string table)
    {
        TextModel model = TinyTuning.Classifier(family);
        float[] before = TinyTuning.Output(model);
        TunedModel tuned = Apply(model, new LoRAOptions { Rank = 2, Targets = [table] });
        Assert.Equal(before, TinyTuning.Output(model)); // A is 0
        var pair = Assert.IsType<LoRAEmbeddingUpdate>(tuned.Adapter!.Parts.Single());
        Assert.Equal(2 * (pair.Layer.Table.Base.Shape[0] + 16), tuned.TrainableCount);
        Dictionary<string, float[]> weights = TinyTuning.Weights(model);
        float[] losses = TinyTuning.Train(tuned, steps: 8);
        Assert.True(losses[^1] < 0.7f * losses[0], $"{losses[0]} → {losses[^1]}");
        Assert.Equal(weights, TinyTuning.Weights(model));

        float[] apart = TinyTuning.Output(model);
        MergedAdapter merged = tuned.Adapter.Merge();
        TensorAssert.Close(apart, Tensor.FromValues([apart.Length], TinyTuning.Output(model)), absolute: 1e-4);
        merged.Unmerge();
        Assert.Equal(weights, TinyTuning.Weights(model));
    }

    [Fact]
    public void A_table_that_the_output_layer_shares_is_not_merged()
    {
        TunedModel tuned = Apply(TinyTuning.Language("gpt2"), new LoRAOptions { Targets = ["wte", "c_attn"] });
        Dictionary<string, float[]> weights = TinyTuning.Weights(tuned.Text());
        var error = Assert.Throws<TuningException>(() => tuned.Adapter!.Merge());
        Assert.Equal(ErrorCodes.TuningCannotMerge, error.Code);
        Assert.Contains("the output layer shares", error.Message, StringComparison.Ordinal);
        Assert.Equal(weights, TinyTuning.Weights(tuned.Text()));
        Assert.True(tuned.Adapter!.IsEnabled);
    }

    [Theory]
    [InlineData(LoRABias.None, 0)]
    [InlineData(LoRABias.LoraOnly, 2 * 16)]
    [InlineData(LoRABias.All, (2 * ((4 * 16) + 24 + 16 + (2 * 16))) + 16 + 16 + 16 + 40)]
    public void Offsets_learn_as_asked(LoRABias bias, int expected)
    {
        TunedModel tuned = Apply(TinyTuning.Language("bert"), new LoRAOptions { Rank = 1, Targets = ["query"], Bias = bias });
        Assert.Equal((2 * 32) + expected, tuned.TrainableCount);
        Assert.All(tuned.Adapter!.Copies, copy => Assert.True(copy.Parameter.IsBias));
    }

    [Fact]
    public void A_named_module_learns_whole_and_gets_no_pair()
    {
        TunedModel tuned = Apply(TinyTuning.Language("llama"), new LoRAOptions { Rank = 1, Targets = [LayerTargets.AllLinear], ModulesToSave = ["lm_head", "0.mlp"] });
        Assert.Equal(["lm_head", "model.layers.0.mlp"], tuned.Adapter!.Modules.Order(StringComparer.Ordinal));
        Assert.DoesNotContain(Paths(tuned), path => path.StartsWith("model.layers.0.mlp", StringComparison.Ordinal));
        Assert.Equal(11, Paths(tuned).Length);
        Assert.Equal(["lm_head.weight", "model.layers.0.mlp.down_proj.weight", "model.layers.0.mlp.gate_proj.weight", "model.layers.0.mlp.up_proj.weight"],
            tuned.Adapter.Copies.Select(copy => copy.Parameter.Name).Order(StringComparer.Ordinal));

        float[] before = tuned.Text().LanguageHead!.Projection.Base.ToArray();
        TinyTuning.Train(tuned, steps: 2);
        Assert.NotEqual(before, tuned.Text().LanguageHead!.Projection.Value.ToArray());
        Assert.Equal(before, tuned.Text().LanguageHead!.Projection.Base.ToArray());
    }

    [Theory]
    [InlineData("bert", "bert.pooler.dense,classifier")]
    [InlineData("gpt2", "score")]
    [InlineData("llama", "score")]
    public void A_new_head_always_learns_and_is_saved_with_the_adapter(string family, string modules)
    {
        using var folder = new TemporaryFolder();
        WeightFiles.SaveModel(TinyTuning.Language(family), folder.Path, companions: null);
        TextModel model = TextModel.Load(folder.Path, HeadChoice.Classification(3), seed: 9);
        TunedModel tuned = Apply(model, new LoRAOptions());
        Assert.Equal(modules.Split(','), tuned.Adapter!.Modules);
        Assert.Equal(model.NewlyInitialized.Order(StringComparer.Ordinal), tuned.Adapter.Copies.Select(copy => copy.Parameter.Name).Order(StringComparer.Ordinal));
        Assert.All(tuned.Adapter.Copies, copy => Assert.True(copy.Value.NeedsGrad && !copy.Parameter.Base.NeedsGrad));
        TinyTuning.Train(tuned, steps: 4);

        string saved = folder.Folder("adapter");
        PeftFolder.Save(tuned.Adapter, saved, folder.Path);
        TextModel other = TextModel.Load(folder.Path, HeadChoice.Classification(3), seed: 1234);
        PeftFolder.Load(other, saved);
        Assert.Equal(TinyTuning.Output(model), TinyTuning.Output(other));
    }

    [Fact]
    public void A_target_that_matches_nothing_names_the_models_endings()
    {
        var error = Assert.Throws<TuningException>(() => Apply(TinyTuning.Language("llama"), new LoRAOptions { Targets = ["q_proj", "c_attn"] }));
        Assert.Equal(ErrorCodes.TuningTargetUnknown, error.Code);
        Assert.Equal(
            "LoRA: no layer's name ends with 'c_attn'. This model has embed_tokens, q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj. "
            + "Set 'tuning.targets' to some of these, or to all-linear.", error.Message);
        Assert.Throws<TuningException>(() => Apply(TinyTuning.Language("llama"), new LoRAOptions { Targets = ["proj"] })); // half a name is none
    }

    [Fact]
    public void A_module_that_cannot_be_saved_is_refused()
    {
        var unknown = Assert.Throws<TuningException>(() => Apply(TinyTuning.Language("bert"), new LoRAOptions { ModulesToSave = ["classifier"] }));
        Assert.Contains("no module's name ends with 'classifier'", unknown.Message, StringComparison.Ordinal);
        var tied = Assert.Throws<TuningException>(() => Apply(TinyTuning.Language("gpt2"), new LoRAOptions { ModulesToSave = ["lm_head"] }));
        Assert.Contains("'lm_head' has no weights of its own", tied.Message, StringComparison.Ordinal);
    }

    private static TunedModel Apply(TextModel model, LoRAOptions options) => options.Create().Apply(model, seed: 11);

    private static string[] Paths(TunedModel tuned) => [.. tuned.Adapter!.Parts.Select(part => part.Place.Path)];

    private static float LossOf(TextModel model, DropoutSource? dropout)
    {
        using var tape = Tape.Begin(record: true, dropout);
        return TinyTuning.Loss(model).Item();
    }

    private static void Fill(Parameter parameter, ulong position)
    {
        float[] values = new float[parameter.Count];
        new Rng(2, RngStream.Initialization).FillNormal(values, 0, 1, position);
        parameter.Value.Backend.CopyFromHost(values, parameter.Value);
    }
}
