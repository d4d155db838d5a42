namespace Hieno.Formats.Images.Jpeg;

/// <summary>
/// From 64 frequencies to 8 × 8 samples: the inverse cosine transform of Loeffler, Ligtenberg and Moschytz (ICASSP 1989) in whole numbers, with
/// 13 bits after the point and two more kept between its two passes, so that it gives the same samples as the usual decoders.
/// </summary>
internal static class InverseDct
{
    private const int FractionBits = 13;

    private const int KeptBits = 2;

    /// <summary>Writes a block's samples, 0 to 255.</summary>
    /// <param name="coefficients">64 numbers, by rows.</param>
    /// <param name="factors">The quantisation table, by rows.</param>
    /// <param name="samples">The block's first sample; rows lie <paramref name="stride"/> apart.</param>
    /// <param name="stride">Distance of rows.</param>
    public static void Write(ReadOnlySpan<short> coefficients, int[] factors, Span<byte> samples, int stride)
    {
        Span<int> block = stackalloc int[64];
        for (int i = 0; i < 64; i++)
        {
            block[i] = coefficients[i] * factors[i];
        }

        for (int column = 0; column < 8; column++)
        {
            Transform(block[column..], 8, FractionBits - KeptBits);
        }

        for (int row = 0; row < 8; row++)
        {
            Span<int> line = block.Slice(8 * row, 8);
            Transform(line, 1, FractionBits + KeptBits + 3);
            for (int x = 0; x < 8; x++)
            {
                samples[(row * stride) + x] = (byte)Math.Clamp(line[x] + 128, 0, 255);
            }
        }
    }

    // Eight numbers that lie `step` apart, in place; the result is rounded and shifted right by `shift`. Factors are 2¹³ times those of the paper,
    // where c(k) = √2 cos(kπ/16).
    private static void Transform(Span<int> v, int step, int shift)
    {
        int half = 1 << (shift - 1);

        // Even frequencies: 0 and 4 as sum and difference, 2 and 6 turned by 6π/16.
        int turned = (v[2 * step] + v[6 * step]) * 4433;         // c(6)
        int e2 = turned - (v[6 * step] * 15137);                 // c(2) + c(6)
        int e3 = turned + (v[2 * step] * 6270);                  // c(2) − c(6)
        int sum = ((v[0] + v[4 * step]) << FractionBits) + half; // half: for rounding
        int difference = ((v[0] - v[4 * step]) << FractionBits) + half;
        (int a0, int a3, int a1, int a2) = (sum + e3, sum - e3, difference + e2, difference - e2);

        // Odd frequencies: figure 1 of the paper, its rotations with a common factor taken out.
        (int f7, int f5, int f3, int f1) = (v[7 * step], v[5 * step], v[3 * step], v[step]);
        int common = (f7 + f3 + f5 + f1) * 9633;                 // c(3)
        int outer = (f7 + f1) * -7373;                           // c(7) − c(3)
        int inner = (f5 + f3) * -20995;                          // −c(1) − c(3)
        int odd = common + ((f7 + f3) * -16069);                 // −c(3) − c(5)
        int even = common + ((f5 + f1) * -3196);                 // c(5) − c(3)
        int o0 = (f7 * 2446) + outer + odd;                      // −c(1) + c(3) + c(5) − c(7)
        int o1 = (f5 * 16819) + inner + even;                    // c(1) + c(3) − c(5) + c(7)
        int o2 = (f3 * 25172) + inner + odd;                     // c(1) + c(3) + c(5) − c(7)
        int o3 = (f1 * 12299) + outer + even;                    // c(1) + c(3) − c(5) − c(7)

        (v[0], v[7 * step]) = ((a0 + o3) >> shift, (a0 - o3) >> shift);
        (v[step], v[6 * step]) = ((a1 + o2) >> shift, (a1 - o2) >> shift);
        (v[2 * step], v[5 * step]) = ((a2 + o1) >> shift, (a2 - o1) >> shift);
        (v[3 * step], v[4 * step]) = ((a3 + o0) >> shift, (a3 - o0) >> shift);
    }
}
