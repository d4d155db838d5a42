namespace Hieno.Formats.Images.Jpeg;

/// <summary>From a frame's coefficients to a picture.</summary>
internal static class JpegColors
{
    /// <summary>Grey, or red, green and blue.</summary>
    /// <param name="frame">The frame, all its scans read.</param>
    /// <param name="isYCbCr">Whether three components are brightness and two colour differences (JFIF 1.02) instead of red, green and blue.</param>
    public static Image ToImage(JpegFrame frame, bool isYCbCr)
    {
        byte[][] planes = [.. frame.Components.Select(component => FullPlane(component, frame))];
        if (planes.Length == 1)
        {
            return new Image(frame.Width, frame.Height, 1, planes[0]);
        }

        var image = new Image(frame.Width, frame.Height, 3);
        for (int i = 0, to = 0; i < planes[0].Length; i++, to += 3)
        {
            (int first, int second, int third) = (planes[0][i], planes[1][i], planes[2][i]);
            (image.Samples[to], image.Samples[to + 1], image.Samples[to + 2]) =
                isYCbCr ? ToRgb(first, second - 128, third - 128) : ((byte)first, (byte)second, (byte)third);
        }

        return image;
    }

    private static byte[] FullPlane(JpegComponent component, JpegFrame frame)
    {
        int stride = 8 * component.BlocksPerRow;
        byte[] plane = new byte[stride * 8 * component.BlockRows];
        for (int row = 0; row < component.BlockRows; row++)
        {
            for (int column = 0; column < component.BlocksPerRow; column++)
            {
                InverseDct.Write(component.Block(row, column), component.Quantization!, plane.AsSpan((row * 8 * stride) + (8 * column)), stride);
            }
        }

        return ChromaUpsampling.Apply(plane, stride, component, frame);
    }

    // JFIF 1.02: R = Y + 1.402 Cr, G = Y − 0.34414 Cb − 0.71414 Cr, B = Y + 1.772 Cb, with 16 bits after the point; only green is rounded once for both.
    private static (byte Red, byte Green, byte Blue) ToRgb(int y, int cb, int cr) => (
        Clamp(y + (((91881 * cr) + 32768) >> 16)),
        Clamp(y + (((-22554 * cb) - (46802 * cr) + 32768) >> 16)),
        Clamp(y + (((116130 * cb) + 32768) >> 16)));

    private static byte Clamp(int value) => (byte)Math.Clamp(value, 0, 255);
}
