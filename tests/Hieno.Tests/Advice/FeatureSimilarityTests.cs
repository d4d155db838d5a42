using Hieno.Advice;
using Hieno.Data;
using Hieno.Models;
using Hieno.Objectives;
using Hieno.Tensors;
using Hieno.Tests.Tuning;

namespace Hieno.Tests.Advice;

public sealed class FeatureSimilarityTests
{
    private static readonly Rng s_rng = new(3, RngStream.Split);

    [Theory]
    [InlineData("bert")]
    [InlineData("gpt2")]
    [InlineData("llama")]
    public void Labels_that_the_words_tell_score_high_and_random_ones_low(string family)
    {
        TextModel model = TinyTuning.Classifier(family);
        var objective = new Classification(new ClassificationOptions());
        Similarity told = FeatureSimilarity.Measure(model, objective, [.. Rows().Select(row => row with { Class = row.Ids[1] % 3 })], seed: 1);
        Similarity random = FeatureSimilarity.Measure(model, objective, [.. Rows().Select((row, i) => row with { Class = Draw(9, i, 3) })], seed: 1);
        Assert.True(told.Score > 0.5, told.ToString());
        Assert.True(random.Score < 0.25, random.ToString());
    }

    [Fact]
    public void Numbers_that_the_words_tell_score_high_and_random_ones_low()
    {
        TextModel model = TinyTuning.Classifier("bert");
        var objective = new Regression();
        Similarity told = FeatureSimilarity.Measure(model, objective, [.. Rows().Select(row => row with { Targets = [row.Ids[1] % 3, row.Ids[1] == 5 ? 9 : 2, 1] })], seed: 1);
        Similarity random = FeatureSimilarity.Measure(model, objective, [.. Rows().Select((row, i) => row with { Targets = [Draw(9, i, 100), Draw(8, i, 100), 1] })], seed: 1);
        Assert.True(told.Score > 0.5, told.ToString());
        Assert.True(random.Score < 0.25, random.ToString());
    }

    // Five tokens, of which the second is one of three.
    private static Example[] Rows() => [.. Enumerable.Range(0, 150).Select(i => new Example { Ids = [1, 4 + Draw(1, i, 3), 20 + Draw(2, i, 2), 30, 31], Source = "row" })];

    private static int Draw(ulong draw, int i, int choices) => (int)(s_rng.Block(draw, (ulong)i).A % (uint)choices);
}
