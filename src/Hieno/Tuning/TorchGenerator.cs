namespace Hieno.Tuning;

/// <summary>
/// The random numbers of PyTorch's generator on the processor, for adapters of which a file holds a seed only: MT19937 with 32 bits a draw.
/// </summary>
/// <remarks>Matsumoto and Nishimura 1998, <see href="https://doi.org/10.1145/272991.272995"/>.</remarks>
internal sealed class TorchGenerator
{
    private const int Size = 624;
    private const int Distance = 397;
    private readonly uint[] _state = new uint[Size];
    private int _next = Size;

    /// <summary>Starts from a seed.</summary>
    public TorchGenerator(uint seed)
    {
        _state[0] = seed;
        for (uint i = 1; i < Size; i++)
        {
            _state[i] = (1812433253u * (_state[i - 1] ^ (_state[i - 1] >> 30))) + i;
        }
    }

    /// <summary>The next 32 bits.</summary>
    public uint Next()
    {
        if (_next == Size)
        {
            Twist();
        }

        uint y = _state[_next++];
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c5680u;
        y ^= (y << 15) & 0xefc60000u;
        return y ^ (y >> 18);
    }

    /// <summary>Numbers uniform within ±<paramref name="bound"/>: 24 bits of each draw.</summary>
    public void FillUniform(Span<float> values, float bound)
    {
        const float Unit = 1f / (1 << 24);
        for (int i = 0; i < values.Length; i++)
        {
            float fraction = (Next() & ((1u << 24) - 1)) * Unit;
            values[i] = MathF.FusedMultiplyAdd(fraction, bound + bound, -bound); // rounded once, as PyTorch's build does it
        }
    }

    /// <summary>The first <paramref name="taken"/> numbers of a random order of 0 … <paramref name="count"/> − 1.</summary>
    public int[] Permutation(int count, int taken)
    {
        // Only places that an exchange has touched differ from their own number.
        var moved = new Dictionary<int, int>();
        int[] first = new int[taken];
        for (int i = 0; i < taken; i++)
        {
            int other = i < count - 1 ? i + (int)(Next() % (uint)(count - i)) : i;
            int here = moved.GetValueOrDefault(i, i);
            first[i] = moved.GetValueOrDefault(other, other);
            moved[other] = here;
        }

        return first;
    }

    private void Twist()
    {
        for (int i = 0; i < Size; i++)
        {
            uint joined = (_state[i] & 0x80000000u) | (_state[(i + 1) % Size] & 0x7fffffffu);
            uint mask = (joined & 1) == 0 ? 0 : 0x9908b0dfu;
            _state[i] = _state[(i + Distance) % Size] ^ (joined >> 1) ^ mask;
        }

        _next = 0;
    }
}
