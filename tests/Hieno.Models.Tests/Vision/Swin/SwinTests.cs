using System.Text.Json;
using Hieno.Formats;
using Hieno.Models.Vision;
using Hieno.Tensors;

namespace Hieno.Models.Tests.Vision.Swin;

/// <summary>Windows of pictures that they do not fit, beside those of the golden values that they do.</summary>
public sealed class SwinTests
{
    private const string Config =
        """{ "model_type": "swin", "image_size": 20, "patch_size": 2, "embed_dim": 8, "depths": [2, 1], "num_heads": [2, 4], "window_size": 4, "mlp_ratio": 2.0, "drop_path_rate": 0.0 }""";

    // A patch that lies in no window with another one cannot be changed by it: one block without shift sees 4 × 4 patches.
    [Fact]
    public void An_unshifted_block_sees_its_window_and_nothing_else()
    {
        VisionModel model = Create(Config);
        using var tape = Tape.Begin(record: false);
        float[] before = model.Backbone.States(Pictures(20))[1].ToArray();
        float[] after = model.Backbone.States(Pictures(20, changedPatch: (5, 9)))[1].ToArray(); // row 5, column 9: window 1, 2
        Assert.Equal(PatchesOf(4, 7, 8, 9), Changed(before, after, 10)); // the window is cut short at the picture's edge
    }

    [Fact]
    public void A_shifted_block_sees_across_the_seams_but_not_around_the_edge()
    {
        VisionModel model = Create(Config);
        using var tape = Tape.Begin(record: false);
        IReadOnlyList<Tensor> states = model.Backbone.States(Pictures(16));
        IReadOnlyList<Tensor> changed = model.Backbone.States(Pictures(16, changedPatch: (0, 0)));
        Assert.Equal(PatchesOf(0, 3, 0, 3), Changed(states[1].ToArray(), changed[1].ToArray(), 8));

        // The second block's windows begin at patch 2: rows and columns 0, 1 are a window of their own, then 2 to 5, and 6, 7.
        Assert.Equal(8 / 2 * (8 / 2), states[2].Rows); // merged at the end of the stage
        Assert.Equal(PatchesOf(0, 2, 0, 2), Changed(states[2].ToArray(), changed[2].ToArray(), 4));
    }

    [Theory]
    [InlineData(20)]
    [InlineData(18)]
    [InlineData(8)]
    public void Pictures_of_any_size_are_read(int side)
    {
        VisionModel model = Create(Config);
        using var tape = Tape.Begin(record: false);
        Tensor numbers = model.Classify(Pictures(side));
        Assert.Equal<Shape>([1, 3], numbers.Shape);
        Assert.All(numbers.ToArray(), value => Assert.True(float.IsFinite(value)));
    }

    [Fact]
    public void Stages_that_differ_in_number_are_refused()
    {
        var fault = Assert.Throws<CheckpointException>(() => Create(Config.Replace("[2, 4]", "[2, 4, 8]", StringComparison.Ordinal)));
        Assert.Contains("'num_heads' is of 3 stages, 'depths' of 2", fault.Message, StringComparison.Ordinal);
    }

    private static VisionModel Create(string config) => VisionModel.Create(ModelConfig.From(JsonDocument.Parse(config).RootElement, "config.json"), outputs: 3, seed: 1);

    private static ImageBatch Pictures(int side, (int Row, int Column)? changedPatch = null)
    {
        float[] values = new float[side * side * 3];
        new Rng(1, RngStream.Initialization).FillNormal(values, 0f, 1f, step: 1);
        if (changedPatch is { } patch)
        {
            values[((patch.Row * 2 * side) + (patch.Column * 2)) * 3] += 1f;
        }

        return new ImageBatch(Tensor.FromValues([1, side, side, 3], values));
    }

    private static (int Row, int Column)[] PatchesOf(int firstRow, int lastRow, int firstColumn, int lastColumn) =>
        [.. Enumerable.Range(firstRow, lastRow - firstRow + 1).SelectMany(row => Enumerable.Range(firstColumn, lastColumn - firstColumn + 1).Select(column => (row, column)))];

    private static (int Row, int Column)[] Changed(float[] before, float[] after, int columns)
    {
        int width = before.Length / (columns * columns);
        return [.. Enumerable.Range(0, columns * columns).Where(i => !before.AsSpan(i * width, width).SequenceEqual(after.AsSpan(i * width, width))).Select(i => (i / columns, i % columns))];
    }
}
