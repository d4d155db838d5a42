using Hieno.Formats;
using Hieno.Formats.Peft;
using Hieno.Formats.Safetensors;
using Hieno.Merging;
using Hieno.Models;
using Hieno.Tensors;
using Hieno.Tests.Shared;
using Hieno.Tests.Tuning;
using Hieno.Tuning;

namespace Hieno.Tests.Merging;

public sealed class AdapterMergeTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string> Families => TinyTuning.Families;

    [Theory]
    [MemberData(nameof(Families))]
    public void Concatenated_adapters_change_the_output_as_the_sum_of_their_changes_does(string family)
    {
        string a = Adapter("a", 1, rank: 2, family: family);
        string b = Adapter("b", 2, rank: 3, family: family);

        AdapterMergeReport report = AdapterMerge.Save([new(a, 0.7), new(b, -0.4)], _folder.PathOf("out"));

        Assert.Equal(5, report.Rank);
        Assert.InRange(report.Distance, 0, 1e-6);
        AssertOutput(Summed(family, (a, 0.7), (b, -0.4)), _folder.PathOf("out"), family);
    }

    [Fact]
    public void One_adapter_is_scaled_by_its_weight_and_a_weight_of_1_changes_nothing()
    {
        string a = Adapter("a", 1, rank: 2);

        AdapterMerge.Save([new(a, 0.5)], _folder.PathOf("half"));
        AdapterMerge.Save([new(a)], _folder.PathOf("same"));

        AssertOutput(Summed("gpt2", (a, 0.5)), _folder.PathOf("half"), "gpt2");
        AssertOutput(Summed("gpt2", (a, 1)), _folder.PathOf("same"), "gpt2");
    }

    [Theory]
    [InlineData(4)]
    [InlineData(9)] // more than both together have
    public void Svd_is_exact_where_the_rank_is_that_of_the_sum(int rank)
    {
        string a = Adapter("a", 1, rank: 2);
        string b = Adapter("b", 2, rank: 2);
        var options = new AdapterMergeOptions { Form = AdapterForm.Products, Rank = rank };

        AdapterMergeReport report = AdapterMerge.Save([new(a, 0.7), new(b, 0.4)], _folder.PathOf("out"), options);

        Assert.Equal(4, report.Rank);
        Assert.InRange(report.Distance, 0, 1e-6);
        AssertOutput(Summed("gpt2", (a, 0.7), (b, 0.4)), _folder.PathOf("out"), "gpt2");
    }

    [Fact]
    public void Svd_of_an_adapter_with_itself_is_exact_at_its_own_rank()
    {
        string a = Adapter("a", 1, rank: 2);

        AdapterMergeReport report = AdapterMerge.Save([new(a, 0.5), new(a, 0.5)], _folder.PathOf("out"), new AdapterMergeOptions { Form = AdapterForm.Products });

        Assert.Equal(2, report.Rank);
        Assert.InRange(report.Distance, 0, 1e-6);
    }

    [Fact]
    public void Svd_of_a_smaller_rank_is_the_nearest_pair_and_better_than_adding_factors()
    {
        string a = Adapter("a", 1, rank: 2);
        string b = Adapter("b", 2, rank: 2);
        MergeInput[] inputs = [new(a, 0.7), new(b, 0.4)];

        double nearest = AdapterMerge.Save(inputs, _folder.PathOf("svd"), new AdapterMergeOptions { Form = AdapterForm.Products }).Distance;
        double factors = AdapterMerge.Save(inputs, _folder.PathOf("linear"), new AdapterMergeOptions { Form = AdapterForm.Factors }).Distance;
        AdapterMerge.Save(inputs, _folder.PathOf("cat"));

        // What is lost is the tail of the singular values: here taken from the sum itself.
        double lost = 0;
        double all = 0;
        foreach ((string name, double[] sum, int rows, int columns) in Products(_folder.PathOf("cat")))
        {
            double[] values = Matrices.LeadingSingular(sum, rows, columns, 4).S;
            lost += (values[2] * values[2]) + (values[3] * values[3]);
            all += sum.Sum(value => value * value);
            Assert.NotEmpty(name);
        }

        Assert.Equal(Math.Sqrt(lost / all), nearest, 1e-6);
        Assert.True(nearest < factors, $"{nearest} {factors}");
    }

    [Fact]
    public void Added_factors_carry_the_roots_of_the_weights_and_the_sign_on_one_side()
    {
        string a = Adapter("a", 1, rank: 2, alpha: 6); // scale 3
        string b = Adapter("b", 2, rank: 2, alpha: 4); // scale 2

        AdapterMerge.Save([new(a, 0.75), new(b, -0.5)], _folder.PathOf("out"), new AdapterMergeOptions { Form = AdapterForm.Factors });

        foreach (string name in Tensors(a).Keys)
        {
            double sign = name.Contains("lora_A", StringComparison.Ordinal) ? -1 : 1;
            float[] expected = [.. Tensors(a)[name].Zip(Tensors(b)[name], (x, y) => (float)((1.5 * x) + (sign * y)))]; // √(0.75 · 3) and √(0.5 · 2)
            Assert.All(expected.Zip(Tensors(_folder.PathOf("out"))[name]), pair => Assert.Equal(pair.First, pair.Second, 1e-6));
        }
    }

    [Theory]
    [InlineData(MergeMethod.Ties)]
    [InlineData(MergeMethod.DareLinear)]
    [InlineData(MergeMethod.DareTies)]
    [InlineData(MergeMethod.MagnitudePrune)]
    public void Every_rule_gives_an_adapter_that_its_base_takes_and_the_same_one_each_time(MergeMethod method)
    {
        MergeInput[] inputs = [new(Adapter("a", 1, rank: 2)), new(Adapter("b", 2, rank: 2))];
        foreach (AdapterForm form in (AdapterForm[])[AdapterForm.Factors, AdapterForm.Products])
        {
            var options = new AdapterMergeOptions { Form = form, Rule = new MergeOptions { Method = method, Density = 0.5 } };
            AdapterMerge.Save(inputs, _folder.PathOf($"{form}-1"), options);
            AdapterMerge.Save(inputs, _folder.PathOf($"{form}-2"), options);

            TextModel model = TinyTuning.Language("gpt2");
            float[] plain = TinyTuning.Output(model);
            PeftFolder.Load(model, _folder.PathOf($"{form}-1"));
            Assert.NotEqual(plain, TinyTuning.Output(model));
            Assert.Equal(File.ReadAllBytes(_folder.PathOf($"{form}-1/adapter_model.safetensors")), File.ReadAllBytes(_folder.PathOf($"{form}-2/adapter_model.safetensors")));
        }
    }

    [Fact]
    public void Layers_that_only_one_adapter_changes_keep_its_change()
    {
        string a = Adapter("a", 1, rank: 2, targets: ["c_attn"]);
        string b = Adapter("b", 2, rank: 3, targets: ["c_attn", "c_fc"]);

        AdapterMerge.Save([new(a), new(b)], _folder.PathOf("out"));

        PeftLoRAConfig config = PeftAdapterConfig.Read(_folder.PathOf("out")).LoRA!;
        Assert.Equal((5, 3), (config.RankOf("transformer.h.1.attn.c_attn"), config.RankOf("transformer.h.1.mlp.c_fc")));
        AssertOutput(Summed("gpt2", (a, 1), (b, 1)), _folder.PathOf("out"), "gpt2");
    }

    [Fact]
    public void Adapters_that_do_not_fit_are_refused_with_both_sides_named()
    {
        string a = Adapter("a", 1, rank: 2);
        string wide = Adapter("wide", 1, rank: 3);
        string moved = Adapter("moved", 1, rank: 2, baseModel: "elsewhere");
        string dora = Adapter("dora", 1, rank: 2, dora: true);
        string headA = Adapter("head-a", 1, rank: 2, classifier: true);
        string headB = Adapter("head-b", 2, rank: 2, classifier: true);

        Assert.Contains("one adapter has rank 2 here, another 3", Fault(AdapterForm.Factors, a, wide), StringComparison.Ordinal);
        Assert.Contains("its base model is elsewhere, that of", Fault(AdapterForm.Concatenated, a, moved), StringComparison.Ordinal);
        Assert.Contains("lengths of its own (DoRA)", Fault(AdapterForm.Concatenated, a, dora), StringComparison.Ordinal);
        Assert.Contains("was trained whole, and the adapters differ in it", Fault(AdapterForm.Concatenated, headA, headB), StringComparison.Ordinal);
        Assert.Contains("there is no adapter here", Fault(AdapterForm.Concatenated, a, TinyModels.Save(_folder, "model", 0)), StringComparison.Ordinal);
        AdapterMerge.Save([new(a), new(moved)], _folder.PathOf("named"), baseModel: "here");
        Assert.Equal("here", PeftAdapterConfig.Read(_folder.PathOf("named")).BaseModel);
    }

    [Fact]
    public void Identical_whole_weights_are_taken_over()
    {
        string a = Adapter("a", 1, rank: 2, classifier: true);
        AdapterMerge.Save([new(a, 0.5), new(a, 0.5)], _folder.PathOf("out"));
        Assert.Equal(Tensors(a)["base_model.model.score.weight"], Tensors(_folder.PathOf("out"))["base_model.model.score.weight"]);
    }

    [SkippableTheory]
    [Trait("tier", "golden")]
    [InlineData("llama", "peft/lora_patterns")]
    [InlineData("llama", "peft/lora_rslora")]
    [InlineData("gpt2", "peft/lora_gpt2_conv1d")]
    public void An_adapter_of_peft_in_two_halves_gives_its_own_logits(string baseModel, string adapter)
    {
        var golden = GoldenModel.Require(baseModel);
        string folder = SharedFolder.Require($"golden/{adapter}");
        foreach (AdapterForm form in (AdapterForm[])[AdapterForm.Concatenated, AdapterForm.Factors, AdapterForm.Products])
        {
            // Factors are exact for a single adapter only; the other forms for any number.
            MergeInput[] inputs = form == AdapterForm.Factors ? [new(folder)] : [new(folder, 0.25), new(folder, 0.75)];
            AdapterMerge.Save(inputs, _folder.PathOf($"{form}"), new AdapterMergeOptions { Form = form });
            TextModel model = golden.Load();
            PeftFolder.Load(model, _folder.PathOf($"{form}"));
            golden.AssertOutput(model, Path.Combine(folder, "expected.safetensors"), "logits");
        }
    }

    private string Fault(AdapterForm form, params string[] adapters) =>
        Assert.Throws<MergeException>(() => AdapterMerge.Save([.. adapters.Select(adapter => new MergeInput(adapter))], _folder.PathOf("never"), new AdapterMergeOptions { Form = form })).Message;

    private string Adapter(
        string name, ulong seed, int rank, double alpha = 5, string family = "gpt2", string[]? targets = null, string baseModel = "base", bool dora = false, bool classifier = false)
    {
        TextModel model = classifier ? TinyTuning.Classifier(family) : TinyTuning.Language(family);
        var options = new LoRAOptions { Rank = rank, Alpha = alpha, Dora = dora, Targets = targets ?? [LayerTargets.AllLinear], ModulesToSave = classifier ? ["score"] : [] };
        TunedModel tuned = options.Create().Apply(model, seed);
        foreach (Parameter weight in tuned.Trainable)
        {
            float[] values = new float[weight.Value.Count];
            new Rng(seed, RngStream.Augmentation).FillNormal(values, 0, 0.2f, (ulong)weight.Name.Sum(c => c));
            weight.Value.Backend.CopyFromHost(values, weight.Value);
        }

        PeftFolder.Save(tuned.Adapter!, _folder.Folder(name), baseModel);
        return _folder.PathOf(name);
    }

    // The base's outputs with Σ w·s·BA in its weights, by another way: each adapter is loaded and merged, and the changes of the weights are added.
    private static float[] Summed(string family, params (string Folder, double Weight)[] adapters)
    {
        TextModel sum = TinyTuning.Language(family);
        Dictionary<string, float[]> origin = TinyTuning.Weights(sum);
        var total = origin.ToDictionary(pair => pair.Key, pair => Array.ConvertAll(pair.Value, value => (double)value), StringComparer.Ordinal);
        foreach ((string folder, double weight) in adapters)
        {
            TextModel one = TinyTuning.Language(family);
            PeftFolder.Load(one, folder).Merge();
            foreach ((string name, float[] values) in TinyTuning.Weights(one))
            {
                for (int i = 0; i < values.Length; i++)
                {
                    total[name][i] += weight * ((double)values[i] - origin[name][i]);
                }
            }
        }

        foreach (Parameter parameter in sum.Parameters())
        {
            parameter.Base.Backend.CopyFromHost(Array.ConvertAll(total[parameter.Name], value => (float)value), parameter.Base);
        }

        return TinyTuning.Output(sum);
    }

    private static void AssertOutput(float[] expected, string adapter, string family)
    {
        TextModel model = TinyTuning.Language(family);
        PeftFolder.Load(model, adapter);
        Assert.All(expected.Zip(TinyTuning.Output(model)), pair => Assert.Equal(pair.First, pair.Second, 2e-5));
    }

    private static Dictionary<string, float[]> Tensors(string folder)
    {
        using CheckpointFiles files = CheckpointFiles.Open(Path.Combine(folder, PeftAdapterConfig.WeightsFileName));
        return files.Entries.Values.ToDictionary(entry => entry.Name, entry => System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(files.Bytes(entry)).ToArray(), StringComparer.Ordinal);
    }

    private static IEnumerable<(string Name, double[] Product, int Rows, int Columns)> Products(string folder)
    {
        Dictionary<string, float[]> tensors = Tensors(folder);
        int rank = PeftAdapterConfig.Read(folder).LoRA!.Rank;
        foreach ((string name, float[] a) in tensors.Where(pair => pair.Key.Contains("lora_A", StringComparison.Ordinal)))
        {
            float[] b = tensors[name.Replace("lora_A", "lora_B", StringComparison.Ordinal)];
            yield return (name, Matrices.Multiply(Array.ConvertAll(b, value => (double)value), Array.ConvertAll(a, value => (double)value), b.Length / rank, rank, a.Length / rank), b.Length / rank, a.Length / rank);
        }
    }
}
