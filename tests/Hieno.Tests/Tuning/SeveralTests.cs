using Hieno.Formats;
using Hieno.Models;
using Hieno.Recipes;
using Hieno.Tensors;
using Hieno.Testing;
using Hieno.Tuning;

namespace Hieno.Tests.Tuning;

public sealed class SeveralTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private static readonly Dictionary<string, TuningOptions[]> s_together = new(StringComparer.Ordinal)
    {
        ["lora + norms"] = [new LoRAOptions { Rank = 2, Targets = [LayerTargets.AllLinear] }, new NormsOptions()],
        ["bitfit + lora"] = [new BitFitOptions(), new LoRAOptions { Rank = 2, Targets = [LayerTargets.AllLinear] }],
        ["ia3 + lora"] = [new IA3Options(), new LoRAOptions { Rank = 2, Targets = [LayerTargets.AllLinear] }],
        ["oft + lora + ln-tuning"] = [new OFTOptions { BlockSize = 4 }, new LoRAOptions { Rank = 2 }, new LnTuningOptions()],
        ["loha + lora"] = [new LoHaOptions { Rank = 2 }, new LoRAOptions { Rank = 2 }],
        ["bottleneck + prompt-tuning"] = [new BottleneckOptions { Reduction = 4 }, new PromptTuningOptions { VirtualTokens = 2 }],
        ["lora + prefix-tuning + bottleneck"] = [new LoRAOptions { Rank = 2 }, new PrefixTuningOptions { VirtualTokens = 2 }, new BottleneckOptions { Reduction = 4 }],
    };

    private static readonly string[] s_mergeable = ["lora + norms", "bitfit + lora", "ia3 + lora", "oft + lora + ln-tuning", "loha + lora"];

    public static TheoryData<string, string> Cases
    {
        get
        {
            var cases = new TheoryData<string, string>();
            foreach (string methods in s_together.Keys)
            {
                foreach (string family in FamiliesFor(methods))
                {
                    cases.Add(methods, family);
                }
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void All_of_them_learn_and_no_bit_of_the_base_changes(string methods, string family)
    {
        TextModel model = TinyTuning.Classifier(family);
        Dictionary<string, float[]> before = TinyTuning.Weights(model);
        float[] plain = TinyTuning.Output(model);
        TunedModel tuned = Of(methods).Create().Apply(model, seed: 3);
        if (!methods.Contains("prompt", StringComparison.Ordinal) && !methods.Contains("prefix", StringComparison.Ordinal))
        {
            Assert.Equal(plain, TinyTuning.Output(model)); // step 0 is the base model, as each of them promises by itself
        }

        float[][] first = [.. tuned.Trainable.Select(parameter => parameter.Value.ToArray())];
        float[] losses = TinyTuning.Train(tuned, steps: 20, rate: 0.03);
        Assert.True(losses[^1] < 0.7f * losses[0], $"{losses[0]} → {losses[^1]}");
        Assert.Equal(before, TinyTuning.Weights(model));
        Assert.All(tuned.Trainable.Zip(first), pair => Assert.NotEqual(pair.Second, pair.First.Value.ToArray()));
        Assert.Equal(tuned.Trainable.Count, tuned.Trainable.Select(parameter => parameter.Name).Distinct().Count()); // a checkpoint tells them apart

        foreach (Adapter adapter in tuned.Adapters)
        {
            adapter.Enable(false);
        }

        Assert.Equal(plain, TinyTuning.Output(model));
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void As_many_numbers_learn_as_in_each_alone_with_a_common_head_once(string methods, string family)
    {
        long Alone(TuningOptions method) => method.Create().Apply(TinyTuning.Classifier(family), seed: 3).Trainable.Where(parameter => parameter.Kind != ParameterKind.Head).Sum(parameter => parameter.Count);
        TunedModel tuned = Of(methods).Create().Apply(TinyTuning.Classifier(family), seed: 3);
        Assert.Equal(s_together[methods].Sum(Alone), tuned.Trainable.Where(parameter => parameter.Kind != ParameterKind.Head).Sum(parameter => parameter.Count));
        Assert.Equal(tuned.TrainableCount, tuned.Shares.Sum(share => tuned.CountOf(share.Parameters)));
        Assert.Equal(methods.Split(" + "), tuned.Shares.Select(share => share.Method));
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Saved_adapters_give_the_same_output_on_a_fresh_model(string methods, string family)
    {
        TunedModel tuned = Of(methods).Create().Apply(TinyTuning.Classifier(family), seed: 3);
        TinyTuning.Train(tuned, steps: 3);
        AdapterFolders.Save(tuned.Adapters, _folder.Path, "base");
        TextModel fresh = TinyTuning.Classifier(family);
        IReadOnlyList<Adapter> loaded = AdapterFolders.Load(fresh, _folder.Path);
        TensorAssert.Close(TinyTuning.Output(tuned.Text()), Tensor.FromValues([9], TinyTuning.Output(fresh)), absolute: 1e-5);
        Assert.Equal(tuned.Adapters.Count, loaded.Count);
        Assert.All(loaded.Skip(1), adapter => Assert.Contains(adapter.Name, methods.Split(" + ")));
    }

    [Fact]
    public void Merged_they_give_the_same_output_and_unmerged_the_same_bits()
    {
        foreach (string methods in s_mergeable)
        {
            foreach (string family in FamiliesFor(methods))
            {
                TextModel model = TinyTuning.Classifier(family);
                Dictionary<string, float[]> before = TinyTuning.Weights(model);
                TunedModel tuned = Of(methods).Create().Apply(model, seed: 3);
                TinyTuning.Train(tuned, steps: 5);
                float[] apart = TinyTuning.Output(model);
                MergedAdapters merged = MergedAdapters.Merge(tuned.Adapters);
                Assert.Empty(model.AttachedParts());
                TensorAssert.Close(apart, Tensor.FromValues([apart.Length], TinyTuning.Output(model)), absolute: 1e-4);
                Assert.NotEqual(before, TinyTuning.Weights(model));
                merged.Unmerge();
                Assert.Equal(before, TinyTuning.Weights(model));
                Assert.Equal(apart, TinyTuning.Output(model));
            }
        }
    }

    [Fact]
    public void Where_one_cannot_be_merged_none_is()
    {
        TunedModel tuned = Together(new LoRAOptions { Rank = 2 }, new BottleneckOptions { Reduction = 4 }).Create().Apply(TinyTuning.Classifier("llama"), seed: 3);
        TinyTuning.Train(tuned, steps: 2);
        float[] apart = TinyTuning.Output(tuned.Text());
        var error = Assert.Throws<TuningException>(() => MergedAdapters.Merge(tuned.Adapters));
        Assert.Contains("adapter 'bottleneck'", error.Message, StringComparison.Ordinal);
        Assert.Equal(apart, TinyTuning.Output(tuned.Text()));
    }

    [Fact]
    public void Without_an_adapter_among_them_their_choices_are_united()
    {
        TunedModel tuned = Together(new NormsOptions(), new PartialOptions { Parts = [TuningPart.Attention], LastBlocks = 1 }).Create().Apply(TinyTuning.Language("llama"), seed: 3);
        Assert.Empty(tuned.Adapters);
        Assert.All(tuned.Trainable, parameter => Assert.True(parameter.Kind is ParameterKind.Norm or ParameterKind.Head || (parameter.Kind == ParameterKind.Attention && parameter.Depth == 2), parameter.Name));
        Assert.Equal(5 + 1 + 4, tuned.Trainable.Count); // norms, head, the four projections of the last block
    }

    [Fact]
    public void Chosen_elements_stay_chosen_beside_an_adapter()
    {
        TunedModel tuned = Together(new LoRAOptions { Rank = 2 }, new RandomMaskOptions { Keep = 0.5, NormsOnly = true }).Create().Apply(TinyTuning.Language("llama"), seed: 3);
        long norms = tuned.Model.Parameters().Where(parameter => parameter.Kind == ParameterKind.Norm).Sum(parameter => parameter.Count);
        Assert.Equal(norms / 2, tuned.CountOf([.. tuned.Trainable.Where(parameter => parameter.Kind == ParameterKind.Norm)]));
    }

    public static TheoryData<string, string> Refused => new()
    {
        { "norms + ln-tuning", "'norms' and 'ln-tuning' both train model.layers.0.input_layernorm.weight. Let one of them" },
        { "lora + lora", "'lora' and 'lora-2' both train model.layers.0.self_attn.q_proj.lora_A.weight. Give one" },
        { "lora + partial", "'partial' trains model.layers.0.self_attn.q_proj.weight whole, and 'lora' learns a change of the same weight. Give one" },
        { "dora + ia3", "'lora' and 'ia3' both change model.layers.0.self_attn.v_proj, and 'lora' makes its whole weight anew. Give them" },
        { "oft + hra", "'oft' and 'hra' both change the input of model.layers.0.self_attn.q_proj. Give them" },
        { "lora + oft", "'oft' changes the input of model.layers.0.self_attn.q_proj, which 'lora' before it has changed already, so that the two could not be merged. List 'oft' before 'lora'" },
        { "ia3 + loha", "'loha' adds to the weight of model.layers.0.self_attn.v_proj, which 'ia3' before it has changed already, so that the two could not be merged. List 'loha' before 'ia3'" },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public void What_excludes_each_other_is_refused_with_both_names_and_the_weight(string methods, string expected)
    {
        TuningOptions[] options = methods switch
        {
            "norms + ln-tuning" => [new NormsOptions(), new LnTuningOptions()],
            "lora + lora" => [new LoRAOptions(), new LoRAOptions { Rank = 4 }],
            "lora + partial" => [new LoRAOptions(), new PartialOptions { Parts = [TuningPart.Attention] }],
            "dora + ia3" => [new LoRAOptions { Dora = true }, new IA3Options()],
            "oft + hra" => [new OFTOptions { BlockSize = 4, Targets = ["q_proj"] }, new HRAOptions { Rank = 2, Targets = ["q_proj"] }],
            "lora + oft" => [new LoRAOptions(), new OFTOptions { BlockSize = 4, Targets = ["q_proj"] }],
            _ => [new IA3Options(), new LoHaOptions { Targets = ["v_proj"] }],
        };
        var error = Assert.Throws<TuningException>(() => Together(options).Create().Apply(TinyTuning.Language("llama"), seed: 1));
        Assert.Equal(ErrorCodes.TuningMethodsConflict, error.Code);
        Assert.StartsWith("several: " + expected, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_same_method_twice_at_different_layers_is_two_adapters()
    {
        TunedModel tuned = Together(new LoRAOptions { Rank = 2, Targets = ["q_proj"] }, new LoRAOptions { Rank = 4, Targets = ["v_proj"] }).Create().Apply(TinyTuning.Language("llama"), seed: 1);
        Assert.Equal(["lora", "lora-2"], tuned.Adapters.Select(adapter => adapter.Name));
    }

    [Fact]
    public void A_recipe_names_them_in_a_list_and_is_checked_as_a_whole()
    {
        const string Start = "base: m\ntask: causal-lm\ndata: { train: a.jsonl }\noutput: r\ntuning:\n  kind: several\n";
        string path = _folder.PathOf("recipe.yaml");
        Recipe Read(string methods, params string[] flags)
        {
            File.WriteAllText(path, Start + methods);
            return Recipe.Load(path, RecipeOverrides.Parse(flags));
        }

        var options = (SeveralOptions)Read("  methods: [{ kind: lora, rank: 4 }, norms]\n").Tuning;
        Assert.Equal(4, ((LoRAOptions)options.Methods[0]).Rank);
        Assert.IsType<NormsOptions>(options.Methods[1]);
        Assert.Equal(2e-4, options.DefaultLearningRate);
        var flagged = (SeveralOptions)Read("  methods: [lora, norms]\n", "--tuning.methods", "[{kind: prompt-tuning, virtualTokens: 3}, {kind: prefix-tuning, virtualTokens: 4}]").Tuning;
        Assert.Equal(7, flagged.AddedPositions);
        Assert.Contains("line 7", Assert.Throws<RecipeException>(() => Read("  methods: [full, lora]\n")).Message, StringComparison.Ordinal);
        Assert.Contains("nothing is left for 'lora'", Assert.Throws<RecipeException>(() => Read("  methods: [full, lora]\n")).Message, StringComparison.Ordinal);
        Assert.Throws<RecipeException>(() => Read("  methods: [lora]\n"));
        Assert.Contains("rnak", Assert.Throws<RecipeException>(() => Read("  methods: [{ kind: lora, rnak: 4 }, norms]\n")).Message, StringComparison.Ordinal);
    }

    // Llama has no offsets.
    private static string[] FamiliesFor(string methods) => methods.Contains("bitfit", StringComparison.Ordinal) ? ["bert", "gpt2"] : ["bert", "gpt2", "llama"];

    private static SeveralOptions Of(string methods) => Together(s_together[methods]);

    private static SeveralOptions Together(params TuningOptions[] methods) => new() { Methods = methods };
}
