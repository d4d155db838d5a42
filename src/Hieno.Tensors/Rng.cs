using System.Runtime.CompilerServices;

namespace Hieno.Tensors;

/// <summary>What a random number is for. Each purpose has its own stream, so that drawing more for one never changes another.</summary>
public enum RngStream
{
    /// <summary>Initial weights.</summary>
    Initialization,

    /// <summary>The order of the training rows.</summary>
    DataOrder,

    /// <summary>Dropout masks.</summary>
    Dropout,

    /// <summary>Augmentation and masking of the data.</summary>
    Augmentation,

    /// <summary>Tokens drawn when generating.</summary>
    Sampling,

    /// <summary>Splitting a data set.</summary>
    Split,

    /// <summary>Rows drawn again for confidence intervals.</summary>
    Resampling,

    /// <summary>Which layers learn for a time.</summary>
    Layers,
}

/// <summary>
/// A counter-based generator: the number at a position is a pure function of (seed, stream, step, position), so any worker can
/// compute any part of a mask, and a resumed run continues with the same numbers without a saved state.
/// </summary>
/// <remarks>Philox4x32-10 of Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011, section 3.</remarks>
public readonly struct Rng(ulong seed, RngStream stream)
{
    /// <summary>The seed of the run.</summary>
    public ulong Seed { get; } = seed;

    /// <summary>The purpose.</summary>
    public RngStream Stream { get; } = stream;

    /// <summary>The cipher's key: the seed with the stream folded in. Kernels that compute many blocks side by side start from it.</summary>
    internal (uint K0, uint K1) Key => ((uint)Seed ^ ((uint)Stream * 0x9E3779B9u), (uint)(Seed >> 32) ^ ((uint)Stream * 0x85EBCA6Bu));

    /// <summary>Four independent 32-bit words for block <paramref name="block"/> of step <paramref name="step"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public (uint A, uint B, uint C, uint D) Block(ulong step, ulong block)
    {
        (uint k0, uint k1) = Key;
        // The counter is (block, step).
        (uint a, uint b, uint c, uint d) = ((uint)block, (uint)(block >> 32), (uint)step, (uint)(step >> 32));
        for (int round = 0; round < 10; round++)
        {
            ulong p0 = (ulong)a * 0xD2511F53u;
            ulong p1 = (ulong)c * 0xCD9E8D57u;
            (a, b, c, d) = ((uint)(p1 >> 32) ^ b ^ k0, (uint)p1, (uint)(p0 >> 32) ^ d ^ k1, (uint)p0);
            k0 += 0x9E3779B9u;
            k1 += 0xBB67AE85u;
        }

        return (a, b, c, d);
    }

    /// <summary>A 32-bit word at <paramref name="position"/> of <paramref name="step"/>.</summary>
    public uint Bits(ulong step, ulong position)
    {
        var block = Block(step, position >> 2);
        return (position & 3) switch { 0 => block.A, 1 => block.B, 2 => block.C, _ => block.D };
    }

    /// <summary>A number in [0, 1) with 24 random bits at <paramref name="position"/> of <paramref name="step"/>.</summary>
    public float Uniform(ulong step, ulong position) => ToUnit(Bits(step, position));

    /// <summary>A whole number in [0, <paramref name="exclusiveMax"/>) at <paramref name="position"/>; the bias is below 2⁻³² · max.</summary>
    public int Below(int exclusiveMax, ulong step, ulong position) => (int)(((ulong)Bits(step, position) * (uint)exclusiveMax) >> 32);

    /// <summary>Fills <paramref name="values"/> with U(low, high).</summary>
    public void FillUniform(Span<float> values, float low, float high, ulong step)
    {
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = low + ((high - low) * Uniform(step, (ulong)i));
        }
    }

    /// <summary>Fills <paramref name="values"/> with N(mean, std²) by the Box–Muller transform, two numbers from each pair of words.</summary>
    public void FillNormal(Span<float> values, float mean, float std, ulong step)
    {
        for (int i = 0; i < values.Length; i += 2)
        {
            var block = Block(step, (ulong)i >> 1);
            // 1 − u lies in (0, 1], so that the logarithm is finite.
            double radius = Math.Sqrt(-2 * Math.Log(1 - (block.A * (1.0 / 4294967296.0))));
            (double sin, double cos) = Math.SinCos(2 * Math.PI * (block.B * (1.0 / 4294967296.0)));
            values[i] = mean + (std * (float)(radius * cos));
            if (i + 1 < values.Length)
            {
                values[i + 1] = mean + (std * (float)(radius * sin));
            }
        }
    }

    /// <summary>A random order of 0 … n − 1 (Fisher–Yates).</summary>
    public int[] Permutation(int n, ulong step)
    {
        int[] order = new int[n];
        for (int i = 0; i < n; i++)
        {
            order[i] = i;
        }

        for (int i = n - 1; i > 0; i--)
        {
            int j = Below(i + 1, step, (ulong)i);
            (order[i], order[j]) = (order[j], order[i]);
        }

        return order;
    }

    /// <summary>A 32-bit word as a number in [0, 1): its upper 24 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float ToUnit(uint word) => (word >> 8) * (1f / 16777216f);
}
