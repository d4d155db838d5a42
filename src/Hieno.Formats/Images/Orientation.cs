using System.Buffers.Binary;

namespace Hieno.Formats.Images;

/// <summary>How a camera was held, as Exif notes it (tag 0x0112, values 1 to 8; Exif 2.3, section 4.6.4), and the turn that undoes it.</summary>
internal static class Orientation
{
    /// <summary>The picture stands upright as it is stored.</summary>
    public const int Upright = 1;

    private const int OrientationTag = 0x0112;

    private const int ShortType = 3;

    /// <summary>Reads the orientation from an Exif block (a TIFF structure); a block that is damaged or silent counts as upright.</summary>
    public static int Read(ReadOnlySpan<byte> tiff)
    {
        if (tiff.Length < 8 || !(tiff.StartsWith("II*\0"u8) || tiff.StartsWith("MM\0*"u8)))
        {
            return Upright;
        }

        bool little = tiff[0] == 'I';
        uint start = UInt32(tiff[4..], little);
        if (start > tiff.Length - 2)
        {
            return Upright;
        }

        int entries = UInt16(tiff[(int)start..], little);
        for (long at = start + 2; entries > 0 && at + 12 <= tiff.Length; at += 12, entries--)
        {
            var entry = tiff.Slice((int)at, 12);
            if (UInt16(entry, little) == OrientationTag && UInt16(entry[2..], little) == ShortType)
            {
                int value = UInt16(entry[8..], little);
                return value is >= 1 and <= 8 ? value : Upright;
            }
        }

        return Upright;
    }

    /// <summary>Turns and mirrors a picture so that it stands upright.</summary>
    public static Image Apply(Image image, int orientation)
    {
        if (orientation == Upright)
        {
            return image;
        }

        // 5 to 8 swap the sides. Where a pixel of the result comes from: mirrored along x (2, 3, 7, 8), along y (3, 4, 6, 7) of what is stored.
        bool swapped = orientation >= 5;
        bool mirrorX = orientation is 2 or 3 or 7 or 8;
        bool mirrorY = orientation is 3 or 4 or 6 or 7;
        var turned = new Image(swapped ? image.Height : image.Width, swapped ? image.Width : image.Height, image.Channels);
        int channels = image.Channels;
        for (int y = 0, to = 0; y < turned.Height; y++)
        {
            for (int x = 0; x < turned.Width; x++, to += channels)
            {
                (int fromX, int fromY) = swapped ? (y, x) : (x, y);
                fromX = mirrorX ? image.Width - 1 - fromX : fromX;
                fromY = mirrorY ? image.Height - 1 - fromY : fromY;
                image.Samples.AsSpan(((fromY * image.Width) + fromX) * channels, channels).CopyTo(turned.Samples.AsSpan(to));
            }
        }

        return turned;
    }

    private static int UInt16(ReadOnlySpan<byte> at, bool little) =>
        little ? BinaryPrimitives.ReadUInt16LittleEndian(at) : BinaryPrimitives.ReadUInt16BigEndian(at);

    private static uint UInt32(ReadOnlySpan<byte> at, bool little) =>
        little ? BinaryPrimitives.ReadUInt32LittleEndian(at) : BinaryPrimitives.ReadUInt32BigEndian(at);
}
