using Hieno.Formats.Safetensors;
using Hieno.Generation;
using Hieno.Generation.Processors;
using Hieno.Tests.Shared;

namespace Hieno.Tests.Generation.Processors;

[Trait("tier", "golden")]
public class GoldenProcessorsTests
{
    [SkippableTheory]
    [InlineData("temperature0_7")]
    [InlineData("top_k5")]
    [InlineData("top_p0_8")]
    [InlineData("rep1_3")]
    public void Processors_agree_with_transformers(string name)
    {
        GoldenFile golden = GoldenFile.Require("golden/misc/logits_processors.safetensors");
        int[] tokens = ReadTokens();
        (int rows, int vocabulary) = (golden.ShapeOf("scores")[0], golden.ShapeOf("scores")[1]);
        ILogitsProcessor processor = name switch
        {
            "temperature0_7" => new Temperature(0.7f),
            "top_k5" => new TopK(5),
            "top_p0_8" => new TopP(0.8f),
            _ => new RepetitionPenalty(1.3f),
        };

        float[] scores = golden["scores"];
        float[] before = [.. scores];
        for (int row = 0; row < rows; row++)
        {
            int length = tokens.Length / rows;
            processor.Process(new TokenHistory(tokens.AsSpan(row * length, length), length), scores.AsSpan(row * vocabulary, vocabulary));
        }

        float[] expected = Array.ConvertAll(golden[name], x => x == -1e30f ? float.NegativeInfinity : x); // the file writes −∞ so
        Assert.NotEqual(before, expected);
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.True(scores[i].Equals(expected[i]) || MathF.Abs(scores[i] - expected[i]) <= 1e-6f, $"{name}[{i}] is {scores[i]}, expected {expected[i]}.");
        }
    }

    private static int[] ReadTokens()
    {
        using var file = SafetensorsFile.Open(SharedFolder.Require("golden/misc/logits_processors.safetensors"));
        byte[] bytes = [.. file.Bytes(file.Require("input_ids"))];
        return [.. Enumerable.Range(0, bytes.Length / 8).Select(i => (int)BitConverter.ToInt64(bytes, i * 8))];
    }
}
