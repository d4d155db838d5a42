using System.Runtime.InteropServices;

namespace Hieno.Tensors;

/// <summary>
/// 256 numbers within [−1, 1] (or [0, 1]) for 8-bit codes: seven decades, each with twice as many numbers as the one below, so that no number
/// is off by more than 0.71 % (0.36 %) of the largest, and small ones keep their magnitude.
/// </summary>
/// <remarks>Dettmers et al. 2022, <see href="https://arxiv.org/abs/2110.02861"/>, section 1.3 and appendix F.2 (dynamic tree quantisation, with and without a sign).</remarks>
internal sealed unsafe class DynamicMap
{
    private const int Decades = 7;
    private const int Smallest = 103; // biased exponent of 2⁻²⁴, below which every number is nearest to 0
    private const int BucketsPerOctave = 128;

    private const int Buckets = (24 * BucketsPerOctave) + 1;

    // Native memory, which kernels read without checks; it lives as long as the program.
    private readonly float* _above = (float*)NativeMemory.Alloc(256, sizeof(float)); // from here on the next code is nearer
    private readonly byte* _first = (byte*)NativeMemory.Alloc(Buckets); // the nearest code at the lower edge of each bucket: an exponent and 7 bits of the mantissa
    private readonly int _zero;
    private readonly bool _isSigned;

    private DynamicMap(bool isSigned)
    {
        var numbers = new List<double> { 0, 1 };
        for (int decade = 0; decade < Decades; decade++)
        {
            int count = 1 << (isSigned ? decade : decade + 1);
            double scale = Math.Pow(10, decade - Decades + 1);
            for (int i = 0; i < count; i++)
            {
                double middle = scale * (0.1 + (0.9 * (i + 0.5) / count)); // of count equal parts of [0.1, 1]
                numbers.Add(middle);
                if (isSigned)
                {
                    numbers.Add(-middle);
                }
            }
        }

        numbers.Sort();
        (_isSigned, _zero) = (isSigned, numbers.IndexOf(0));
        for (int code = 0; code < 256; code++)
        {
            Values[code] = (float)numbers[code];
            _above[code] = code < 255 ? (float)((numbers[code] + numbers[code + 1]) / 2) : float.PositiveInfinity;
        }

        int nearest = _zero;
        for (int bucket = 0; bucket < Buckets; bucket++)
        {
            float edge = BitConverter.Int32BitsToSingle(((Smallest * BucketsPerOctave) + bucket) << 16);
            while (edge > _above[nearest])
            {
                nearest++;
            }

            _first[bucket] = (byte)nearest;
        }
    }

    /// <summary>Numbers of either sign: 127 below 0, 0, 127 above, and 1.</summary>
    public static DynamicMap Signed { get; } = new(isSigned: true);

    /// <summary>Numbers that are not negative: 0, 254 within (0, 1), and 1.</summary>
    public static DynamicMap Unsigned { get; } = new(isSigned: false);

    /// <summary>The code of 0; the next one is that of the smallest positive number.</summary>
    public byte Zero => (byte)_zero;

    /// <summary>The number of each code, ascending.</summary>
    public float* Values { get; } = (float*)NativeMemory.Alloc(256, sizeof(float));

    /// <summary>The code whose number is nearest; of two equally near, the one nearer to 0. Beyond ±1 that of the last number; NaN gives the code of 1.</summary>
    public byte Nearest(float x)
    {
        int code = NearestTo(BitConverter.SingleToInt32Bits(x) & 0x7FFFFFFF);
        bool isNegative = _isSigned && x < 0;
        return (byte)(isNegative ? (2 * _zero) - Math.Min(code, 254) : code);
    }

    // A bucket is narrower than any gap between numbers, so that at most one midpoint lies in it.
    private int NearestTo(int bits)
    {
        int code = _first[Math.Clamp((bits >> 16) - (Smallest * BucketsPerOctave), 0, Buckets - 1)];
        return BitConverter.Int32BitsToSingle(bits) > _above[code] ? code + 1 : code;
    }
}
