using System.Text.Json;
using Hieno.Formats;
using Hieno.Models;
using Hieno.Tuning;

namespace Hieno.Tests.Tuning;

public sealed class PresetTests
{
    [Theory]
    [InlineData(PresetLayout.Ffn, "ffn.0 ffn.1 ffn.2 ffn.3 ffn.4")]
    [InlineData(PresetLayout.Attention, "attention.0 attention.1 attention.2 attention.3 attention.4")]
    [InlineData(PresetLayout.FirstHalf, "attention.0 ffn.0 attention.1 ffn.1")]
    [InlineData(PresetLayout.LastHalf, "attention.2 ffn.2 attention.3 ffn.3 attention.4 ffn.4")]
    [InlineData(PresetLayout.AttentionThenFfn, "attention.0 attention.1 ffn.2 ffn.3 ffn.4")]
    [InlineData(PresetLayout.FfnThenAttention, "ffn.0 ffn.1 attention.2 attention.3 attention.4")]
    [InlineData(PresetLayout.Alternating, "attention.0 ffn.0 attention.2 ffn.2 attention.4 ffn.4")]
    [InlineData(PresetLayout.Sandwich, "attention.0 ffn.0 attention.4 ffn.4")]
    [InlineData(PresetLayout.Last, "attention.3 ffn.3 attention.4 ffn.4")]
    public void A_layout_chooses_these_halves_of_five_blocks_in_every_family(PresetLayout layout, string expected)
    {
        foreach (string family in (string[])["bert", "gpt2", "llama"])
        {
            TunedModel tuned = new PresetOptions { Layout = layout, Blocks = 2, Norms = false, TrainHead = false }.Create().Apply(FiveBlocks(family), seed: 0);
            Assert.Equal(expected, string.Join(' ', tuned.Trainable.Select(parameter => TuningUnit.Of(parameter)!.Value).Distinct().OrderBy(unit => unit.Block).ThenBy(unit => unit.Kind)));
        }
    }

    [Fact]
    public void Units_are_chosen_by_name_with_the_norms_of_their_blocks()
    {
        TunedModel tuned = new PresetOptions { Units = ["ffn.0"] }.Create().Apply(TinyTuning.Classifier("bert"), seed: 0);
        Assert.Equal((16 * 24) + 24 + (24 * 16) + 16 + 64 + (16 * 16) + 16 + (16 * 3) + 3, tuned.TrainableCount);
    }

    [Theory]
    [InlineData("ffn.2")]
    [InlineData("mlp.0")]
    public void A_unit_that_the_model_does_not_have_is_named(string unit)
    {
        var error = Assert.Throws<TuningException>(() => new PresetOptions { Units = [unit] }.Create().Apply(TinyTuning.Language("gpt2"), seed: 0));
        Assert.Equal(ErrorCodes.TuningTargetUnknown, error.Code);
        Assert.Contains(unit, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Layout_and_units_exclude_each_other()
    {
        Assert.Single(new PresetOptions { Layout = PresetLayout.Ffn, Units = ["ffn.0"] }.Validate());
        Assert.Empty(new PresetOptions { Layout = PresetLayout.Ffn }.Validate());
        Assert.Contains("mlp", new PresetOptions { Units = ["mlp.0"] }.Validate().Single(), StringComparison.Ordinal);
    }

    private static TextModel FiveBlocks(string family)
    {
        string json = TinyTuning.Config(family).Json.GetRawText().Replace("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 5", StringComparison.Ordinal).Replace("\"n_layer\": 2", "\"n_layer\": 5", StringComparison.Ordinal);
        return TextModel.Create(ModelConfig.From(JsonDocument.Parse(json).RootElement.Clone(), "config.json"), HeadChoice.Language, seed: 1);
    }
}
