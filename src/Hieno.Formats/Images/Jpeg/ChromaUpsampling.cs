namespace Hieno.Formats.Images.Jpeg;

/// <summary>
/// From a component that was sampled more coarsely to one sample a pixel. Where a side is doubled, a pixel takes three quarters of the sample
/// it lies in and one quarter of the next nearest, rounded up and down in turns, as the usual decoders do; else samples are repeated.
/// </summary>
internal static class ChromaUpsampling
{
    /// <summary>Samples of a component at the picture's size, [height, width].</summary>
    /// <param name="plane">The component's samples; rows lie <paramref name="stride"/> apart.</param>
    /// <param name="stride">Distance of rows.</param>
    /// <param name="component">The component's size.</param>
    /// <param name="frame">The picture's size.</param>
    public static byte[] Apply(byte[] plane, int stride, JpegComponent component, JpegFrame frame)
    {
        (int across, int down) = (frame.MaxH / component.H, frame.MaxV / component.V);
        byte[] full = new byte[frame.Width * frame.Height];
        bool smooth = (across, down) is (1, 2) || ((across, down) is (2, 1) or (2, 2) && component.Width > 2);
        int[] sums = new int[component.Width];
        byte[] line = new byte[component.Width * across];
        for (int y = 0; y < frame.Height; y++)
        {
            var near = plane.AsSpan(y / down * stride, component.Width);
            if (!smooth)
            {
                Repeat(near, across, line);
            }
            else if (down == 1)
            {
                Widen(near, line);
            }
            else
            {
                int next = Math.Clamp((y / 2) + (y % 2 == 0 ? -1 : 1), 0, component.Height - 1);
                AddRows(near, plane.AsSpan(next * stride, component.Width), sums);
                Finish(sums, across, y % 2, line);
            }

            line.AsSpan(0, frame.Width).CopyTo(full.AsSpan(y * frame.Width));
        }

        return full;
    }

    private static void Repeat(ReadOnlySpan<byte> row, int across, byte[] line)
    {
        for (int x = 0; x < line.Length; x++)
        {
            line[x] = row[x / across];
        }
    }

    private static void Widen(ReadOnlySpan<byte> row, byte[] line)
    {
        int last = row.Length - 1;
        for (int x = 0; x <= last; x++)
        {
            line[2 * x] = (byte)(((3 * row[x]) + row[Math.Max(x - 1, 0)] + 1) >> 2);
            line[(2 * x) + 1] = (byte)(((3 * row[x]) + row[Math.Min(x + 1, last)] + 2) >> 2);
        }
    }

    private static void AddRows(ReadOnlySpan<byte> near, ReadOnlySpan<byte> far, int[] sums)
    {
        for (int x = 0; x < sums.Length; x++)
        {
            sums[x] = (3 * near[x]) + far[x];
        }
    }

    // Sums of four (one row beside another), doubled across or not.
    private static void Finish(int[] sums, int across, int odd, byte[] line)
    {
        int last = sums.Length - 1;
        for (int x = 0; x <= last; x++)
        {
            if (across == 1)
            {
                line[x] = (byte)((sums[x] + 1 + odd) >> 2);
                continue;
            }

            line[2 * x] = (byte)(((3 * sums[x]) + sums[Math.Max(x - 1, 0)] + 8) >> 4);
            line[(2 * x) + 1] = (byte)(((3 * sums[x]) + sums[Math.Min(x + 1, last)] + 7) >> 4);
        }
    }
}
