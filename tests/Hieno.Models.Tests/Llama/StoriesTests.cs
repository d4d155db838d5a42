using System.Text.Json;
using Hieno.Tensors;
using Hieno.Tests.Shared;

namespace Hieno.Models.Tests.Llama;

/// <summary>A real Llama of 260,000 weights against the text that its author published and logits computed from it elsewhere.</summary>
[Trait("tier", "golden")]
public sealed class StoriesTests
{
    private readonly JsonElement _expected = JsonDocument.Parse(File.ReadAllBytes(SharedFolder.Require("data/stories260k/golden.json"))).RootElement;
    private readonly TextModel _model = TextModel.Load(SharedFolder.Require("data/stories260k/hf"), HeadChoice.Language);

    [SkippableFact]
    public void Logits_are_those_computed_elsewhere()
    {
        float[] logits = TinyModels.Logits(_model, new TokenBatch(Text()[..64], [64]));
        foreach (int position in (ReadOnlySpan<int>)[0, 10, 63])
        {
            JsonElement row = _expected.GetProperty("logits_rows").GetProperty($"position_{position}_first16");
            Assert.All(
                row.EnumerateArray().Select(v => v.GetDouble()).Zip(logits.AsSpan(position * 512, 16).ToArray()),
                pair => Assert.Equal(pair.First, pair.Second, 2e-5));
        }
    }

    [SkippableFact]
    public void Mean_loss_is_that_computed_elsewhere()
    {
        using var tape = Tape.Begin(record: false);
        Tensor hidden = _model.Backbone.Forward(new TokenBatch(Text()[..63], [63]));
        double loss = Ops.LinearCrossEntropy(hidden, _model.LanguageHead!.Projection, null, Text()[1..64], scale: 1f / 63).Item();
        Assert.Equal(_expected.GetProperty("mean_nll_first_63_tokens").GetDouble(), loss, 1e-5);
    }

    [SkippableFact]
    public void Most_likely_tokens_tell_the_published_story()
    {
        int[] text = Text();
        var cache = new KvCache(_model.Backbone.Blocks.Count, 1, text.Length, _model.Backbone.KeyWidth);
        int token = text[0];
        for (int i = 1; i < text.Length; i++)
        {
            float[] logits = TinyModels.Logits(_model, new TokenBatch([token], [1]) { Cache = cache });
            token = Array.IndexOf(logits, logits.Max());
            Assert.True(text[i] == token, $"Token {i} is {token}, expected {text[i]}.");
        }
    }

    private int[] Text() => [.. _expected.GetProperty("greedy_ids_from_bos").EnumerateArray().Select(id => id.GetInt32())];
}
