using System.Runtime.InteropServices;
using System.Text.Json;
using Hieno.Models.Decoders;
using Hieno.Tensors;
using Hieno.Tests.Shared;

namespace Hieno.Models.Tests.Gpt2;

/// <summary>A real GPT-2 of 85,000 weights, which sorts six numbers, against the activations published with it.</summary>
[Trait("tier", "golden")]
public sealed class SortingTests : IDisposable
{
    private const double Tolerance = 1e-5;

    private readonly TinyCheckpoint _checkpoint = new(File.ReadAllText(SharedFolder.Require("data/gpt-nano-sort/hf/config.json")));
    private readonly JsonElement _published = Json("gpt-nano-sort-t0-partials.json");
    private readonly TextModel _model;

    public SortingTests()
    {
        // The model as it was published: its linear layers hold [out, in], GPT-2's hold [in, out].
        foreach (JsonProperty entry in Json("gpt-nano-sort-model.json").EnumerateObject().Where(e => e.Name != "config" && !e.Name.EndsWith(".attn.bias", StringComparison.Ordinal)))
        {
            int[] shape = [.. entry.Value.GetProperty("shape").EnumerateArray().Select(dim => dim.GetInt32())];
            float[] values = Floats(entry.Value);
            bool isLinear = shape.Length == 2 && entry.Name.Contains(".h.", StringComparison.Ordinal);
            _checkpoint.Tensors.Add(entry.Name, isLinear ? ([shape[1], shape[0]], Transpose(values, shape[0], shape[1])) : (Shape.Create(shape), values));
        }

        _model = _checkpoint.Load();
    }

    public void Dispose() => _checkpoint.Dispose();

    [SkippableFact]
    public void Every_block_gives_the_published_activations()
    {
        using var tape = Tape.Begin(record: false);
        TokenBatch batch = Batch();
        Tensor x = Tensor.FromValues([33, 48], Published("x"));
        for (int i = 0; i < 3; i++)
        {
            x = ((DecoderBlock)_model.Backbone.Blocks[i]).Forward(x, batch);
            Close(Published($"block{i}"), x.ToArray());
        }
    }

    [SkippableFact]
    public void Final_norm_and_logits_are_the_published_ones()
    {
        using var tape = Tape.Begin(record: false);
        Close(Published("ln_f"), _model.Backbone.Forward(Batch()).ToArray());
        Close(Published("lm_head"), _model.Logits(Batch()).ToArray());
    }

    [SkippableFact]
    public void All_729_lists_are_sorted()
    {
        int[][] lists = [.. Enumerable.Range(0, 729).Select(n => (int[])[n / 243, n / 81 % 3, n / 27 % 3, n / 9 % 3, n / 3 % 3, n % 3])];
        int[][] texts = [.. lists.Select(list => list.ToArray())];
        for (int step = 0; step < 6; step++)
        {
            float[] logits = TinyModels.Logits(_model, new TokenBatch([.. texts.SelectMany(text => text)], [.. texts.Select(text => text.Length)]));
            int length = texts[0].Length;
            texts = [.. texts.Select((text, row) => (int[])[.. text, Largest(logits.AsSpan(((row * length) + length - 1) * 3, 3))])];
        }

        Assert.All(texts.Zip(lists), pair => Assert.Equal(pair.Second.Order(), pair.First[6..]));
    }

    private static int Largest(ReadOnlySpan<float> values) => values[0] >= values[1] && values[0] >= values[2] ? 0 : values[1] >= values[2] ? 1 : 2;

    private static void Close(float[] expected, float[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, Tolerance));
    }

    private TokenBatch Batch() => new(Array.ConvertAll(Published("idx"), id => (int)id), [11, 11, 11]);

    private float[] Published(string name) => Floats(_published.GetProperty(name));

    private static float[] Floats(JsonElement tensor) =>
        MemoryMarshal.Cast<byte, float>(Convert.FromBase64String(tensor.GetProperty("data").GetString()!)).ToArray();

    private static float[] Transpose(float[] values, int rows, int columns) =>
        [.. Enumerable.Range(0, values.Length).Select(i => values[(i % rows * columns) + (i / rows)])];

    private static JsonElement Json(string name) => JsonDocument.Parse(File.ReadAllBytes(SharedFolder.Require($"data/gpt-nano-sort/{name}"))).RootElement;
}
