using System.Text.Json;
using Hieno.Formats;
using Hieno.Formats.Durable;
using Hieno.Formats.Safetensors;
using Hieno.Merging;
using Hieno.Tests.Shared;
using Hieno.Tests.Tuning;
using Hieno.Tuning;

namespace Hieno.Tests.Merging;

public sealed class WeightMixTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(0.0, "start")]
    [InlineData(1.0, "end")]
    public void The_ends_of_an_interpolation_are_the_models_bit_for_bit(double alpha, string expected)
    {
        string start = TinyModels.Save(_folder, "start", 0);
        string end = TinyModels.Save(_folder, "end", 1);

        using WeightMix mix = WeightMix.Interpolate(start, end, alpha);
        mix.Save(_folder.PathOf("out"));

        Assert.Equal(Bytes(_folder.PathOf(expected)), Bytes(_folder.PathOf("out")));
        Assert.Equal(TinyTuning.Output(TinyModels.Open(_folder.PathOf(expected))), TinyTuning.Output(TinyModels.Open(_folder.PathOf("out"))));
    }

    [Fact]
    public void In_between_every_weight_is_the_weighted_mean_rounded_once()
    {
        string start = TinyModels.Save(_folder, "start", 0);
        string end = TinyModels.Save(_folder, "end", 1);

        using WeightMix mix = WeightMix.Interpolate(start, end, 0.3);
        mix.Save(_folder.PathOf("out"));

        (var a, var b, var c) = (TinyModels.Weights(start), TinyModels.Weights(end), TinyModels.Weights(_folder.PathOf("out")));
        Assert.All(c, pair => Assert.Equal(a[pair.Key].Zip(b[pair.Key], (x, y) => (float)((0.7 * x) + (0.3 * y))), pair.Value));
        Assert.True(File.Exists(_folder.PathOf("out/tokenizer.json")));
    }

    [Fact]
    public void A_model_in_memory_gets_the_weights_that_would_be_saved()
    {
        string start = TinyModels.Save(_folder, "start", 0);
        string end = TinyModels.Save(_folder, "end", 1);
        var model = TinyModels.Open(end);

        using WeightMix mix = WeightMix.Interpolate(start, end, 0.6);
        mix.LoadInto(model);
        mix.Save(_folder.PathOf("out"));

        Assert.Equal(TinyTuning.Output(TinyModels.Open(_folder.PathOf("out"))), TinyTuning.Output(model));
    }

    [Fact]
    public void A_soup_is_the_mean_of_its_models()
    {
        string[] models = [TinyModels.Save(_folder, "a", 1), TinyModels.Save(_folder, "b", 2), TinyModels.Save(_folder, "c", 3)];

        using WeightMix mix = WeightMix.Average(models);
        mix.Save(_folder.PathOf("out"));

        Dictionary<string, float[]>[] all = [.. models.Select(TinyModels.Weights)];
        Assert.All(TinyModels.Weights(_folder.PathOf("out")), pair => Assert.All(pair.Value, (value, i) => Assert.Equal(all.Average(model => (double)model[pair.Key][i]), value, 1e-7)));
    }

    [Fact]
    public void Task_arithmetic_adds_changes_and_takes_one_away_again()
    {
        string origin = TinyModels.Save(_folder, "base", 0);
        string a = TinyModels.Save(_folder, "a", 1);
        string b = TinyModels.Save(_folder, "b", 2);

        Save(WeightMix.Combine(origin, [new(a), new(b, 0.5)], new MergeOptions { Scale = 0.8 }), "sum");
        Save(WeightMix.Combine(_folder.PathOf("sum"), [new(_folder.PathOf("sum"), 1)]), "same");
        Save(WeightMix.Combine(origin, [new(a, -1)]), "negated");

        (var zero, var one, var two) = (TinyModels.Weights(origin), TinyModels.Weights(a), TinyModels.Weights(b));
        Assert.All(TinyModels.Weights(_folder.PathOf("sum")), pair => Assert.All(pair.Value, (value, i) =>
            Assert.Equal(zero[pair.Key][i] + (0.8 * (one[pair.Key][i] - zero[pair.Key][i])) + (0.4 * (two[pair.Key][i] - (double)zero[pair.Key][i])), value, 1e-6)));
        Assert.All(TinyModels.Weights(_folder.PathOf("negated")), pair => Assert.All(pair.Value, (value, i) => Assert.Equal((2.0 * zero[pair.Key][i]) - one[pair.Key][i], value, 1e-6)));
        Assert.Equal(Bytes(_folder.PathOf("sum")), Bytes(_folder.PathOf("same")));
    }

    [Fact]
    public void Ties_on_models_is_ties_on_each_weights_change()
    {
        string origin = TinyModels.Save(_folder, "base", 0);
        string a = TinyModels.Save(_folder, "a", 1);
        string b = TinyModels.Save(_folder, "b", 2);

        Save(WeightMix.Combine(origin, [new(a), new(b)], new MergeOptions { Method = MergeMethod.Ties, Density = 0.3 }), "out");

        (var zero, var one, var two) = (TinyModels.Weights(origin), TinyModels.Weights(a), TinyModels.Weights(b));
        foreach ((string name, float[] merged) in TinyModels.Weights(_folder.PathOf("out")))
        {
            float[] change = Largest(one[name], zero[name]);
            float[] other = Largest(two[name], zero[name]);
            for (int i = 0; i < merged.Length; i++)
            {
                bool agree = Math.Sign(change[i]) == Math.Sign(other[i]) || change[i] == 0 || other[i] == 0;
                double expected = agree
                    ? (change[i] + other[i]) / ((change[i] != 0 && other[i] != 0) ? 2.0 : 1.0)
                    : Math.Abs(change[i]) >= Math.Abs(other[i]) ? change[i] : other[i];
                Assert.Equal(zero[name][i] + expected, merged[i], 1e-6);
            }
        }
    }

    [Fact]
    public void Sixteen_bit_weights_stay_in_sixteen_bits_and_round_to_even()
    {
        string start = Raw("start", SafetensorsDType.BF16, 0x3F80, 0x3F80, 0xBF80); // 1, 1, −1
        string end = Raw("end", SafetensorsDType.BF16, 0x3F81, 0x3F83, 0x4000);     // 1 + 2⁻⁷, 1 + 3·2⁻⁷, 2

        using WeightMix mix = WeightMix.Interpolate(start, end, 0.5);
        mix.Save(_folder.PathOf("out"));

        // 1 + 2⁻⁸ lies in the middle of 1 and 1 + 2⁻⁷: the even one is 1. 1 + 3·2⁻⁸ goes to 1 + 2·2⁻⁷.
        using CheckpointFiles files = CheckpointFiles.Open(_folder.PathOf("out"));
        Assert.Equal([0x80, 0x3F, 0x82, 0x3F, 0x00, 0x3F], files.Bytes(files.Require("w")).ToArray());
    }

    [Fact]
    public void Packed_weights_that_differ_are_refused_and_equal_buffers_are_copied()
    {
        string a = Raw("a", SafetensorsDType.U16, 1, 2, 3);
        string b = Raw("b", SafetensorsDType.U16, 1, 2, 4);
        string c = Raw("c", SafetensorsDType.U16, 1, 2, 3);

        using WeightMix differing = WeightMix.Average([a, b]);
        var fault = Assert.Throws<MergeException>(() => differing.Save(_folder.PathOf("out")));
        Assert.Contains("stored as U16, and the models differ in it", fault.Message, StringComparison.Ordinal);
        Save(WeightMix.Average([a, c]), "same");
        Assert.Equal(Bytes(a), Bytes(_folder.PathOf("same")));
    }

    [Fact]
    public void A_result_that_is_not_finite_is_refused_and_nothing_is_left()
    {
        string a = Raw("a", SafetensorsDType.BF16, 0x3F80, 0x7F80, 0); // the second is infinite
        string b = Raw("b", SafetensorsDType.BF16, 0x3F80, 0x3F80, 0);

        using WeightMix mix = WeightMix.Average([a, b]);
        var fault = Assert.Throws<MergeException>(() => mix.Save(_folder.PathOf("out")));

        Assert.Contains("w: element 1 of the result is", fault.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_folder.PathOf("out")));
    }

    [Fact]
    public void Models_that_do_not_fit_are_refused_with_both_sides_named()
    {
        string model = TinyModels.Save(_folder, "model", 0);
        string classifier = TinyModels.Save(_folder, "classifier", 0, classifier: true);
        string other = TinyModels.Save(_folder, "bert", 0, "bert");
        string words = TinyModels.Save(_folder, "words", 0);
        _folder.Write("words/tokenizer.json", File.ReadAllText(_folder.PathOf("words/tokenizer.json")).Replace("\"w7\"", "\"seven\"", StringComparison.Ordinal));
        string wide = Raw("wide", SafetensorsDType.BF16, 0, 0);

        Assert.Contains("it has no weight 'score.weight'", Fault(model, classifier), StringComparison.Ordinal);
        Assert.Contains("its family is bert, that of", Fault(other, model), StringComparison.Ordinal);
        Assert.Contains("its token 7 is 'seven', that of", Fault(words, model), StringComparison.Ordinal);
        Assert.Contains("'w' has the shape [2], in", Fault(wide, Raw("narrow", SafetensorsDType.BF16, 0, 0, 0)), StringComparison.Ordinal);
    }

    [Fact]
    public void A_used_folder_is_refused()
    {
        string model = TinyModels.Save(_folder, "model", 0);
        using WeightMix mix = WeightMix.Average([model]);
        Assert.Equal(ErrorCodes.StorageExists, Assert.Throws<StorageException>(() => mix.Save(model)).Code);
    }

    [Fact]
    public void Names_without_the_bodys_prefix_are_found_and_what_is_left_out_is_told()
    {
        string end = Raw("end", SafetensorsDType.BF16, [("body.w", [0x3F80]), ("head", [0x4000])]);
        string start = Raw("start", SafetensorsDType.BF16, [("w", [0x4000]), ("head", [0x4000]), ("old", [0x4000])]);

        using WeightMix mix = WeightMix.Interpolate(start, end, 0.5);
        mix.Save(_folder.PathOf("out"));

        using CheckpointFiles files = CheckpointFiles.Open(_folder.PathOf("out"));
        Assert.Equal([0xC0, 0x3F], files.Bytes(files.Require("body.w")).ToArray()); // 1.5
        Assert.Equal([$"{start}: old"], mix.LeftOut);
    }

    [SkippableFact]
    [Trait("tier", "golden")]
    public void Weights_in_between_give_the_references_logits()
    {
        GoldenFile expected = GoldenFile.Require("golden/align/llrd_gpt2.safetensors");
        double alpha = JsonDocument.Parse(File.ReadAllText(SharedFolder.Require("golden/align/meta.json"))).RootElement.GetProperty("llrd_gpt2").GetProperty("wise_alpha").GetDouble();
        GoldenModel golden = GoldenModel.Require("gpt2");
        var tuned = golden.Load();
        foreach (var parameter in tuned.Parameters())
        {
            parameter.MakeWritable();
            parameter.Base.Backend.CopyFromHost(expected["llrd." + parameter.Name], parameter.Base);
        }

        WeightFiles.SaveModel(tuned, _folder.Folder("tuned"), companions: null);
        using WeightMix mix = WeightMix.Interpolate(golden.Folder, _folder.PathOf("tuned"), alpha);
        mix.LoadInto(tuned);

        golden.AssertOutput(tuned, SharedFolder.Require("golden/align/llrd_gpt2.safetensors"), "wise_ft_alpha0.3.logits");
    }

    private static string Fault(string start, string end) => Assert.Throws<MergeException>(() => WeightMix.Interpolate(start, end, 0.5)).Message;

    private static byte[] Bytes(string folder) => File.ReadAllBytes(Path.Combine(folder, CheckpointFiles.SingleFileName));

    // The 30 % that moved most, by sorting.
    private static float[] Largest(float[] tuned, float[] origin)
    {
        float[] change = [.. tuned.Zip(origin, (after, before) => (float)((double)after - before))];
        int[] kept = [.. Enumerable.Range(0, change.Length).OrderByDescending(i => Math.Abs(change[i])).Take((int)(0.3 * change.Length))];
        return [.. change.Select((value, i) => kept.Contains(i) ? value : 0)];
    }

    private void Save(WeightMix mix, string name)
    {
        using (mix)
        {
            mix.Save(_folder.PathOf(name));
        }
    }

    private string Raw(string name, SafetensorsDType type, params ushort[] bits) => Raw(name, type, [("w", bits)]);

    private string Raw(string name, SafetensorsDType type, (string Name, ushort[] Bits)[] weights)
    {
        _folder.Write($"{name}/config.json", """{"model_type":"gpt2"}""");
        CheckpointFiles.Write(_folder.PathOf(name), weights.Select(weight => SafetensorsItem.FromBytes(weight.Name, type, [weight.Bits.Length], weight.Bits.SelectMany(BitConverter.GetBytes).ToArray())));
        return _folder.PathOf(name);
    }
}
