using Hieno.Models;
using Hieno.Models.Vision;
using Hieno.Tensors;

namespace Hieno.Parity;

/// <summary>The reference's batch: pictures, or padded rows as flat ones, without the padding, which has no effect on the other tokens.</summary>
internal sealed class FixtureBatch
{
    private FixtureBatch(int width, TokenBatch tokens, int[] places, int[] labels, float[] targets, bool labelsAreWhole)
    {
        (Width, Tokens, Places, Labels, Targets, LabelsAreWhole) = (width, tokens, places, labels, targets, labelsAreWhole);
    }

    /// <summary>Columns of the padded batch.</summary>
    public int Width { get; }

    /// <summary>The rows.</summary>
    public TokenBatch Tokens { get; }

    /// <summary>The pictures, of a model that reads some; else null.</summary>
    public ImageBatch? Images { get; private init; }

    /// <summary>Where each token stands in the padded batch: row · width + column.</summary>
    public int[] Places { get; }

    /// <summary>For a language model the label of each token, already shifted where the next token is predicted; for a classifier that of each row.</summary>
    public int[] Labels { get; }

    /// <summary>Labels that are numbers or probabilities, row by row; empty where they are tokens or classes.</summary>
    public float[] Targets { get; }

    /// <summary>False for labels that are numbers rather than classes.</summary>
    public bool LabelsAreWhole { get; }

    /// <summary>Takes the tokens under the attention mask of a right-padded batch.</summary>
    /// <exception cref="FixtureException">The padding is not at the right.</exception>
    public static FixtureBatch Read(TensorFile inputs, FixtureTask task)
    {
        if (task == FixtureTask.ImageClassification)
        {
            return new FixtureBatch(0, new TokenBatch([], []), [], inputs.Ints("labels"), [], labelsAreWhole: true) { Images = ReadImages(inputs) };
        }

        int[] shape = inputs.ShapeOf("input_ids");
        int width = shape[1];
        int[] ids = inputs.Ints("input_ids");
        int[] mask = inputs.Has("attention_mask") ? inputs.Ints("attention_mask") : [.. Enumerable.Repeat(1, ids.Length)];
        int[] lengths = [.. Enumerable.Range(0, shape[0]).Select(row => mask.AsSpan(row * width, width).Count(1))];
        int[] places = [.. Enumerable.Range(0, ids.Length).Where(place => mask[place] == 1)];
        if (Array.Exists(places, place => place % width >= lengths[place / width]))
        {
            throw new FixtureException($"{inputs.Path}: a row is not padded at the right, or only there.");
        }

        var tokens = new TokenBatch(Array.ConvertAll(places, place => ids[place]), lengths)
        {
            TokenTypes = inputs.Has("token_type_ids") ? Pick(inputs.Ints("token_type_ids"), places) : null,
        };

        if (task == FixtureTask.Classification)
        {
            bool whole = inputs.IsWhole("labels");
            return new FixtureBatch(width, tokens, places, whole ? inputs.Ints("labels") : [], whole ? [] : inputs.Floats("labels"), whole);
        }

        int[] labels = inputs.Ints("labels");
        bool shift = task == FixtureTask.CausalLanguage;
        return new FixtureBatch(width, tokens, places, shift ? Shift(labels, places, lengths, width) : Pick(labels, places), [], labelsAreWhole: true);
    }

    private static ImageBatch ReadImages(TensorFile inputs)
    {
        int[] shape = inputs.ShapeOf("pixel_values");
        Tensor pixels = Tensor.CreateLongLived([shape[0], shape[2], shape[3], shape[1]]);
        pixels.Backend.CopyFromHost(inputs.ChannelsLast("pixel_values"), pixels);
        return new ImageBatch(pixels);
    }

    private static int[] Pick(int[] values, int[] places) => Array.ConvertAll(places, place => values[place]);

    // A token predicts the label to its right; the last one of a row predicts nothing.
    private static int[] Shift(int[] labels, int[] places, int[] lengths, int width) =>
        Array.ConvertAll(places, place => (place % width) + 1 < lengths[place / width] ? labels[place + 1] : Ops.IgnoredLabel);
}
