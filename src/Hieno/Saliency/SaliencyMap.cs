using Hieno.Formats.Images;

namespace Hieno.Saliency;

/// <summary>How much each place of a picture spoke for a class.</summary>
/// <param name="Class">The class's number.</param>
/// <param name="Height">Rows of the map.</param>
/// <param name="Width">Columns of the map.</param>
/// <param name="Values">[height, width], from 0 to 1 at the strongest place; all 0 where nothing spoke for it.</param>
public sealed record SaliencyMap(int Class, int Height, int Width, float[] Values)
{
    private const double Strongest = 0.65; // of the colour over the picture

    /// <summary>The picture with the map over it: yellow where little, red where much spoke for the class, and as it is where nothing did.</summary>
    /// <param name="image">The picture that the network saw, of any size.</param>
    /// <returns>In red, green and blue.</returns>
    public Image Overlay(Image image)
    {
        ArgumentNullException.ThrowIfNull(image);
        var coarse = new Image(Width, Height, 1, Array.ConvertAll(Values, value => (byte)Math.Round(Math.Clamp(value, 0, 1) * 255)));
        Image fine = ImageResize.Apply(coarse, image.Width, image.Height, ResizeFilter.Bilinear);
        Image rgb = image.ToRgb();
        var over = new Image(image.Width, image.Height, 3);
        for (int i = 0; i < fine.Samples.Length; i++)
        {
            double strength = fine.Samples[i] / 255.0;
            double share = Strongest * strength;
            over.Samples[3 * i] = Mixed(rgb.Samples[3 * i], 255, share);
            over.Samples[(3 * i) + 1] = Mixed(rgb.Samples[(3 * i) + 1], 230 * (1 - strength), share);
            over.Samples[(3 * i) + 2] = Mixed(rgb.Samples[(3 * i) + 2], 0, share);
        }

        return over;
    }

    private static byte Mixed(byte sample, double colour, double share) => (byte)Math.Round(((1 - share) * sample) + (share * colour));
}
