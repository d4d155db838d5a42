using Hieno.Formats.Images;
using Hieno.Formats.Images.Drawing;
using Hieno.Formats.Images.Transforms;

namespace Hieno.Metrics;

// Draws a confusion matrix as pixels, like HeatMap does as SVG: rows are right labels, columns predicted ones.
internal static class HeatMapPicture
{
    private const int Scale = 2; // of the letters
    private const int LongestName = 20;

    /// <summary>A picture; <paramref name="shades"/> are in [0, 1].</summary>
    public static Image Draw(IReadOnlyList<string> labels, double[,] shades, Func<int, int, string> textOf)
    {
        string[] names = [.. labels.Select(name => name.Length <= LongestName ? name : name[..(LongestName - 1)] + "…")];
        string[,] texts = new string[names.Length, names.Length];
        int longest = 1;
        for (int i = 0; i < texts.Length; i++)
        {
            string text = textOf(i / names.Length, i % names.Length);
            (texts[i / names.Length, i % names.Length], longest) = (text, Math.Max(longest, text.Length));
        }

        int cell = Math.Max(36, (longest + 1) * PixelText.Advance * Scale);
        int margin = 16 + names.Max(name => PixelText.WidthOf(name, Scale));
        int top = margin + 16;
        var map = new Image(margin + (cell * names.Length) + 8, top + (cell * names.Length) + 8, 3);
        PixelText.Fill(map, 0, 0, map.Width, map.Height, Ink.White);
        PixelText.Write(map, 8, 8, "rows: truth, columns: predicted", Ink.Grey);
        for (int i = 0; i < names.Length; i++)
        {
            int middle = (cell / 2) - (PixelText.Height * Scale / 2);
            PixelText.Write(map, margin - 8 - PixelText.WidthOf(names[i], Scale), top + (cell * i) + middle, names[i], Ink.Black, Scale);
            WriteUpwards(map, margin + (cell * i) + middle, top - 8, names[i]);
        }

        for (int t = 0; t < names.Length; t++)
        {
            for (int p = 0; p < names.Length; p++)
            {
                DrawCell(map, margin + (cell * p), top + (cell * t), cell, shades[t, p], texts[t, p]);
            }
        }

        return map;
    }

    private static void DrawCell(Image map, int left, int top, int cell, double shade, string text)
    {
        PixelText.Fill(map, left, top, cell, cell, new Ink(221, 221, 221));
        PixelText.Fill(map, left, top, cell - 1, cell - 1, HeatMap.ColourOf(shade));
        PixelText.Write(map, left + ((cell - PixelText.WidthOf(text, Scale)) / 2), top + ((cell - (PixelText.Height * Scale)) / 2), text, shade > 0.5 ? Ink.White : Ink.Black, Scale);
    }

    private static void WriteUpwards(Image map, int left, int bottom, string text)
    {
        var line = new Image(PixelText.WidthOf(text, Scale), PixelText.Height * Scale, 3);
        PixelText.Fill(line, 0, 0, line.Width, line.Height, Ink.White);
        PixelText.Write(line, 0, 0, text, Ink.Black, Scale);
        Image turned = ImageFlip.Turn(line, 1);
        for (int y = 0; y < turned.Height; y++)
        {
            turned.Row(y).CopyTo(map.Row(bottom - turned.Height + y)[(left * 3)..]);
        }
    }
}
