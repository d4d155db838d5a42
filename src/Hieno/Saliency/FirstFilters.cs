using System.Globalization;
using Hieno.Charts;
using Hieno.Formats.Images;
using Hieno.Models;
using Hieno.Models.Layers;

namespace Hieno.Saliency;

/// <summary>The filters of a network's first convolution as pictures: what it looks for in pixels, the only layer whose weights can be seen as such.</summary>
public static class FirstFilters
{
    private const int Pixels = 240; // of the longer side of a sheet of filters

    /// <summary>Draws the filters before and after training, and what changed, side by side.</summary>
    /// <param name="before">The model before training.</param>
    /// <param name="after">The same model after it.</param>
    /// <returns>A picture, or null where the first convolution does not read grey or coloured pixels.</returns>
    public static Image? Compare(Module before, Module after)
    {
        if (FirstOf(before) is not { } first || FirstOf(after) is not { } second || first.Weight.Value.Shape != second.Weight.Value.Shape)
        {
            return null;
        }

        float[] old = first.Weight.Value.ToArray();
        float[] trained = second.Weight.Value.ToArray();
        float[] change = [.. trained.Zip(old, (now, then) => now - then)];
        float largest = Math.Max(Largest(old), Largest(trained));
        float moved = Largest(change);
        string times = moved > 0 ? string.Create(CultureInfo.InvariantCulture, $"change, times {largest / moved:0.#}") : "change: none";
        string caption = string.Create(CultureInfo.InvariantCulture, $"{first.Weight.Name}: {first.Features} filters of {first.Kernel.Height} x {first.Kernel.Width} pixels");
        Image[] sheets = [Sheet(first, old, largest), Sheet(first, trained, largest), Sheet(first, change, moved)];
        return new ContactSheet(["before", "after", times], [new ContactRow(caption, sheets)], Cell: Math.Max(Pixels, sheets[0].Width)).Draw();
    }

    private static Convolution? FirstOf(Module model) =>
        model.Modules().OfType<Convolution>().FirstOrDefault() is { Groups: 1, Channels: 1 or 3 } first ? first : null;

    private static float Largest(float[] values) => values.Max(Math.Abs);

    // Filters in rows, about as many across as down, with a pixel of white between them: 0 is grey, the largest weight of all white or black.
    private static Image Sheet(Convolution layer, float[] weights, float largest)
    {
        (int height, int width) = layer.Kernel;
        int across = (int)Math.Ceiling(Math.Sqrt(layer.Features));
        int down = (layer.Features + across - 1) / across;
        var sheet = new Image((across * (width + 1)) + 1, (down * (height + 1)) + 1, layer.Channels);
        sheet.Samples.AsSpan().Fill(255);
        for (int i = 0; i < weights.Length; i++)
        {
            (int filter, int rest) = Math.DivRem(i, layer.Channels * height * width);
            (int channel, int pixel) = Math.DivRem(rest, height * width);
            int x = (filter % across * (width + 1)) + 1 + (pixel % width);
            int y = (filter / across * (height + 1)) + 1 + (pixel / width);
            float share = largest > 0 ? weights[i] / largest : 0;
            sheet.Row(y)[(x * layer.Channels) + channel] = (byte)MathF.Round(127.5f + (127.5f * share));
        }

        return sheet;
    }
}
