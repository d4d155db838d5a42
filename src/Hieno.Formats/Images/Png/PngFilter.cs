namespace Hieno.Formats.Images.Png;

/// <summary>The prediction of a byte from those to its left and above (PNG specification, section 9).</summary>
internal static class PngFilter
{
    /// <summary>Adds the predictions back, in place.</summary>
    /// <param name="filter">0 none, 1 left, 2 above, 3 mean of both, 4 Paeth's.</param>
    /// <param name="row">Differences, becoming bytes.</param>
    /// <param name="above">The row above, or zeros.</param>
    /// <param name="pixelBytes">How far to the left the neighbour lies.</param>
    /// <returns>False where there is no such filter.</returns>
    public static bool Undo(int filter, byte[] row, byte[] above, int pixelBytes)
    {
        if (filter is < 0 or > 4)
        {
            return false;
        }

        for (int i = 0; filter > 0 && i < row.Length; i++)
        {
            int left = i < pixelBytes ? 0 : row[i - pixelBytes];
            int up = above[i];
            row[i] += (byte)(filter switch
            {
                1 => left,
                2 => up,
                3 => (left + up) / 2,
                _ => Paeth(left, up, i < pixelBytes ? 0 : above[i - pixelBytes]),
            });
        }

        return true;
    }

    /// <summary>Of the three neighbours the one nearest to left + up − corner.</summary>
    private static int Paeth(int left, int up, int corner)
    {
        int toLeft = Math.Abs(up - corner);
        int toUp = Math.Abs(left - corner);
        int toCorner = Math.Abs(left + up - corner - corner);
        return toLeft <= toUp && toLeft <= toCorner ? left : toUp <= toCorner ? up : corner;
    }
}
