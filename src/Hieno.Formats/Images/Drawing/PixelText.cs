using System.Globalization;
using System.Text;

namespace Hieno.Formats.Images.Drawing;

/// <summary>Writes into pictures, in letters of 5 × 7 points as on dot-matrix displays: a PNG needs captions, and no font is at hand everywhere.</summary>
public static class PixelText
{
    /// <summary>Points from one letter to the next.</summary>
    public const int Advance = 6;

    /// <summary>Points from top to bottom.</summary>
    public const int Height = 8;

    // The letters from space to tilde, and an ellipsis: five columns each, from the left, the lowest bit on top.
    private const string Letters =
        "0000000000 00005F0000 0007000700 147F147F14 242A7F2A12 2313086462 3649552250 0005030000 001C224100 0041221C00 14083E0814 08083E0808 0050300000 0808080808 "
        + "0060600000 2010080402 3E5149453E 00427F4000 4261514946 2141454B31 1814127F10 2745454539 3C4A494930 0171090503 3649494936 064949291E 0036360000 0056360000 "
        + "0814224100 1414141414 0041221408 0201510906 324979413E 7E1111117E 7F49494936 3E41414122 7F4141221C 7F49494941 7F09090901 3E4149497A 7F0808087F 00417F4100 "
        + "2040413F01 7F08142241 7F40404040 7F020C027F 7F0408107F 3E4141413E 7F09090906 3E4151215E 7F09192946 4649494931 01017F0101 3F4040403F 1F2040201F 3F4038403F "
        + "6314081463 0708700807 6151494543 007F414100 0204081020 0041417F00 0402010204 4040404040 0001020400 2054545478 7F48444438 3844444420 384444487F 3854545418 "
        + "087E090102 18A4A4A47C 7F08040478 00447D4000 4080847D00 7F10284400 00417F4000 7C04180478 7C08040478 3844444438 FC24242418 18242424FC 7C08040408 4854545420 "
        + "043F444020 3C4040207C 1C2040201C 3C4030403C 4428102844 1CA0A0A07C 4464544C44 0008364100 00007F0000 0041360800 0804081008 4000400040";

    private static readonly byte[][] s_letters = [.. Letters.Split(' ').Select(Convert.FromHexString)];

    /// <summary>Pixels that a text is wide.</summary>
    /// <param name="text">The text.</param>
    /// <param name="scale">Pixels for a point.</param>
    public static int WidthOf(string text, int scale) => text.EnumerateRunes().Count() * Advance * scale;

    /// <summary>Writes a text with its upper left corner at a place; what lies outside the picture is cut off. Letters with marks are written without them, others as "?".</summary>
    /// <param name="image">A picture in red, green and blue.</param>
    /// <param name="left">The first column.</param>
    /// <param name="top">The first row.</param>
    /// <param name="text">The text, of one line.</param>
    /// <param name="ink">Its colour.</param>
    /// <param name="scale">Pixels for a point. Default 1.</param>
    public static void Write(Image image, int left, int top, string text, Ink ink, int scale = 1)
    {
        ArgumentNullException.ThrowIfNull(image);
        foreach (Rune rune in text.EnumerateRunes())
        {
            byte[] columns = s_letters[LetterOf(rune) - ' '];
            for (int x = 0; x < columns.Length * scale; x++)
            {
                for (int y = 0; y < Height * scale; y++)
                {
                    if ((columns[x / scale] & (1 << (y / scale))) != 0)
                    {
                        Dot(image, left + x, top + y, ink);
                    }
                }
            }

            left += Advance * scale;
        }
    }

    /// <summary>Fills a rectangle; what lies outside the picture is cut off.</summary>
    /// <param name="image">A picture in red, green and blue.</param>
    /// <param name="left">The first column.</param>
    /// <param name="top">The first row.</param>
    /// <param name="width">Columns.</param>
    /// <param name="height">Rows.</param>
    /// <param name="ink">The colour.</param>
    public static void Fill(Image image, int left, int top, int width, int height, Ink ink)
    {
        ArgumentNullException.ThrowIfNull(image);
        for (int y = top; y < top + height; y++)
        {
            for (int x = left; x < left + width; x++)
            {
                Dot(image, x, y, ink);
            }
        }
    }

    private static void Dot(Image image, int x, int y, Ink ink)
    {
        if (x >= 0 && x < image.Width && y >= 0 && y < image.Height)
        {
            var pixel = image.Row(y).Slice(x * 3, 3);
            (pixel[0], pixel[1], pixel[2]) = (ink.Red, ink.Green, ink.Blue);
        }
    }

    private static char LetterOf(Rune rune)
    {
        string bare = rune.ToString().Normalize(NormalizationForm.FormD);
        char first = bare.FirstOrDefault(c => CharUnicodeInfo.GetUnicodeCategory(c) != UnicodeCategory.NonSpacingMark, '?');
        return first is '…' ? (char)('~' + 1) : first is >= ' ' and <= '~' ? first : '?';
    }
}
