namespace Hieno.Tensors;

/// <summary>
/// NF4, the 4-bit type of QLoRA: a number is one of sixteen levels, quantiles of a normal distribution, times the scale of its block of 64.
/// Scales are quantised once more, to 8 bits in blocks of 256 around their mean.
/// </summary>
/// <remarks>
/// Dettmers et al. 2023, <see href="https://arxiv.org/abs/2305.14314"/>, section 3 and appendix E. Levels, order of the codes (row by row, the first of two in the
/// upper half of a byte) and the map of scales are those of bitsandbytes. About 4.127 bits a number: 4 + 8/64 + 32/(64·256).
/// </remarks>
public static class Nf4
{
    /// <summary>Numbers that share a scale; the last block may be shorter.</summary>
    public const int BlockSize = 64;

    /// <summary>Scales that share a scale of their own.</summary>
    public const int ScaleBlockSize = 256;

    // A level is nearest to what lies between the two boundaries around it; a boundary itself goes to the lower level.
    private static readonly float[] s_boundaries =
        [.. Enumerable.Range(0, 15).Select(i => (float)(((double)Levels[i] + Levels[i + 1]) / 2))];

    private static readonly float[] s_scaleLevels = CreateScaleLevels();

    /// <summary>The sixteen levels, rising, by code.</summary>
    public static ReadOnlySpan<float> Levels =>
    [
        -1f, -0.6961928009986877f, -0.5250730514526367f, -0.39491748809814453f,
        -0.28444138169288635f, -0.18477343022823334f, -0.09105003625154495f, 0f,
        0.07958029955625534f, 0.16093020141124725f, 0.24611230194568634f, 0.33791524171829224f,
        0.44070982933044434f, 0.5626170039176941f, 0.7229568362236023f, 1f,
    ];

    /// <summary>The 256 levels of a scale's distance from the mean of all scales, divided by the largest distance in its block; rising, by code.</summary>
    public static ReadOnlySpan<float> ScaleLevels => s_scaleLevels;

    /// <summary>The fifteen mid-points between the levels, rising.</summary>
    internal static ReadOnlySpan<float> Boundaries => s_boundaries;

    /// <summary>The code of the level nearest to <paramref name="distance"/>; of two that are as near, the lower.</summary>
    internal static byte ScaleCode(float distance)
    {
        int above = Array.BinarySearch(s_scaleLevels, distance);
        if (above >= 0)
        {
            return (byte)above;
        }

        above = ~above;
        return (byte)(above == 0 ? 0 : above == s_scaleLevels.Length || distance - s_scaleLevels[above - 1] <= s_scaleLevels[above] - distance ? above - 1 : above);
    }

    // A dynamic map: for each power of ten from 10⁻⁶ to 1, twice as many levels as for the one before, evenly spaced from a tenth of it to all
    // of it, with both signs; and 0 and 1.
    private static float[] CreateScaleLevels()
    {
        List<float> levels = [0f, 1f];
        for (int exponent = 0; exponent <= 6; exponent++)
        {
            int intervals = 1 << exponent;
            double power = Math.Pow(10, exponent - 6);
            for (int i = 0; i < intervals; i++)
            {
                double middle = 0.1 + (0.9 * (i + 0.5) / intervals);
                levels.Add((float)(power * middle));
                levels.Add((float)(-power * middle));
            }
        }

        levels.Sort();
        return [.. levels];
    }
}
