using Hieno.Formats.Images;
using Hieno.Formats.Images.Drawing;

namespace Hieno.Charts;

/// <summary>A row of a contact sheet.</summary>
/// <param name="Caption">What stands above it.</param>
/// <param name="Pictures">Its pictures, from the left; 1 or 3 channels.</param>
public sealed record ContactRow(string Caption, IReadOnlyList<Image> Pictures);

/// <summary>Many pictures on one, in rows with captions: to see at a glance what a network is shown, or what it makes of it.</summary>
/// <param name="Heads">What stands above each column; empty for nothing.</param>
/// <param name="Rows">The rows, at least one.</param>
/// <param name="Cell">Pixels of the square that each picture is fitted into.</param>
public sealed record ContactSheet(IReadOnlyList<string> Heads, IReadOnlyList<ContactRow> Rows, int Cell = 128)
{
    private const int Gap = 8;
    private const int Line = 14; // of a caption

    private static readonly Ink s_ground = new(250, 250, 250);

    /// <summary>The sheet.</summary>
    /// <returns>A picture in red, green and blue.</returns>
    public Image Draw()
    {
        int columns = Rows.Max(row => row.Pictures.Count);
        int head = Heads.Count > 0 ? Line : 0;
        var sheet = new Image((columns * (Cell + Gap)) + Gap, head + (Rows.Count * (Cell + Gap + Line)) + Gap, 3);
        PixelText.Fill(sheet, 0, 0, sheet.Width, sheet.Height, s_ground);
        for (int i = 0; i < Heads.Count; i++)
        {
            PixelText.Write(sheet, Gap + (i * (Cell + Gap)), 5, Fitting(Heads[i], Cell), Ink.Grey);
        }

        for (int r = 0; r < Rows.Count; r++)
        {
            int top = head + Gap + (r * (Cell + Gap + Line));
            PixelText.Write(sheet, Gap, top, Fitting(Rows[r].Caption, sheet.Width - (2 * Gap)), Ink.Black);
            for (int c = 0; c < Rows[r].Pictures.Count; c++)
            {
                Image fitted = Fit(Rows[r].Pictures[c]);
                Place(sheet, fitted, Gap + (c * (Cell + Gap)) + ((Cell - fitted.Width) / 2), top + Line - 2 + ((Cell - fitted.Height) / 2));
            }
        }

        return sheet;
    }

    // Small pictures are enlarged by whole numbers, so that their pixels can be counted.
    private Image Fit(Image picture)
    {
        Image rgb = picture.ToRgb();
        int longer = Math.Max(rgb.Width, rgb.Height);
        if (longer <= Cell)
        {
            int times = Cell / longer;
            return times == 1 ? rgb : ImageResize.Apply(rgb, rgb.Width * times, rgb.Height * times, ResizeFilter.Nearest);
        }

        return ImageResize.Apply(rgb, Math.Max(1, rgb.Width * Cell / longer), Math.Max(1, rgb.Height * Cell / longer));
    }

    private static void Place(Image sheet, Image picture, int left, int top)
    {
        for (int y = 0; y < picture.Height; y++)
        {
            picture.Row(y).CopyTo(sheet.Row(top + y)[(left * 3)..]);
        }
    }

    // The end of a text that is too long is what tells paths apart.
    private static string Fitting(string text, int pixels)
    {
        int most = Math.Max(1, pixels / PixelText.Advance);
        return text.Length <= most ? text : "…" + text[^(most - 1)..];
    }
}
