using System.Runtime.InteropServices;
using System.Text.Json;
using Hieno.Formats;
using Hieno.Formats.Safetensors;
using Hieno.Models;
using Hieno.Tensors;
using Hieno.Tests.Shared;

namespace Hieno.Tests.Tuning;

/// <summary>A tiny model of the shared folder with its batch; padding, at the right, is left out of the rows.</summary>
internal sealed class GoldenModel
{
    private readonly int _width;
    private readonly int[] _lengths;

    private GoldenModel(string folder)
    {
        Folder = folder;
        using var inputs = SafetensorsFile.Open(Path.Combine(folder, "inputs.safetensors"));
        int[] ids = Whole(inputs, "input_ids");
        int[] mask = Whole(inputs, "attention_mask");
        _width = (int)inputs.Require("input_ids").Shape[1];
        _lengths = [.. mask.Chunk(_width).Select(row => row.Sum())];
        Batch = new TokenBatch(UnderMask(ids, 1), _lengths)
        {
            TokenTypes = inputs.Entries.ContainsKey("token_type_ids") ? UnderMask(Whole(inputs, "token_type_ids"), 1) : null,
        };
        using var meta = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "meta.json")));
        Limit = 30 * meta.RootElement.GetProperty("fp32_vs_fp64").GetProperty("logits_max_abs").GetDouble();
    }

    public string Folder { get; }

    public TokenBatch Batch { get; }

    /// <summary>How far logits may lie from the reference's: thirty times its own rounding noise.</summary>
    public double Limit { get; }

    public static GoldenModel Require(string name) => new(SharedFolder.Require($"golden/{name}"));

    public TextModel Load()
    {
        var config = ModelConfig.Read(Folder);
        bool classifier = config.GetStrings("architectures")![0].EndsWith("ForSequenceClassification", StringComparison.Ordinal);
        return TextModel.Load(Folder, classifier ? HeadChoice.Classification(config.GetLabels()?.Count ?? 2) : HeadChoice.Language);
    }

    /// <summary>The model's output is the reference's.</summary>
    public void AssertOutput(TextModel model, string file, string tensor)
    {
        using var expected = SafetensorsFile.Open(file);
        float[] reference = [.. MemoryMarshal.Cast<byte, float>(expected.Bytes(expected.Require(tensor)))];
        using var tape = Tape.Begin(record: false);
        bool classifies = model.LanguageHead is null;
        float[] actual = (classifies ? model.Classify(Batch) : model.Logits(Batch)).ToArray();
        reference = classifies ? reference : UnderMask(reference, model.Backbone.VocabularySize);
        Assert.Equal(reference.Length, actual.Length);
        double worst = reference.Zip(actual, (r, a) => Math.Abs((double)r - a)).Max();
        Assert.True(worst <= Limit, $"{tensor} of {file}: {worst:g3} off, allowed are {Limit:g3}");
    }

    private static int[] Whole(SafetensorsFile file, string name) => [.. MemoryMarshal.Cast<byte, long>(file.Bytes(file.Require(name))).ToArray().Select(value => (int)value)];

    private T[] UnderMask<T>(T[] values, int size) =>
        [.. _lengths.SelectMany((length, row) => values.AsSpan(row * _width * size, length * size).ToArray())];
}
