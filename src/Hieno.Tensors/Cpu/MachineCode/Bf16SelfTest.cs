namespace Hieno.Tensors.Cpu.MachineCode;

/// <summary>Compares each tile's machine code with the same sum in C#, before it is used: bit by bit, some thousand numbers.</summary>
internal static unsafe class Bf16SelfTest
{
    private const int Pairs = 5;
    private const float Untouched = 1234.5f;

    /// <summary>The first tile that computes something else, in words; null when all are right.</summary>
    public static string? FirstFault(Bf16Tiles tiles)
    {
        // Mixed signs and magnitudes, so that an element taken from the wrong place, or a sum in another order, shows.
        var rng = new Rng(16, RngStream.Initialization);
        uint* a = stackalloc uint[Pairs * Bf16TileCode.Rows];
        uint* b = stackalloc uint[Pairs * Bf16TileCode.Columns];
        Fill(rng, new Span<uint>(a, Pairs * Bf16TileCode.Rows), step: 0);
        Fill(rng, new Span<uint>(b, Pairs * Bf16TileCode.Columns), step: 1);
        for (int rows = 1; rows <= Bf16TileCode.Rows; rows++)
        {
            for (int vectors = 1; vectors <= 2; vectors++)
            {
                if (!Agrees(tiles, rows, vectors, add: false, a, b) || !Agrees(tiles, rows, vectors, add: true, a, b))
                {
                    return $"{rows} rows by {vectors * 16} columns";
                }
            }
        }

        return null;
    }

    private static bool Agrees(Bf16Tiles tiles, int rows, int vectors, bool add, uint* a, uint* b)
    {
        const int Length = Bf16TileCode.Rows * Bf16TileCode.Columns;
        float* tile = stackalloc float[Length];
        new Span<float>(tile, Length).Fill(Untouched);
        var work = new Bf16TileWork { Pairs = Pairs, A = a, B = b, Tile = tile, Next = (byte*)a };
        tiles.Run(rows, vectors, add, &work);
        for (int i = 0; i < Length; i++)
        {
            (int row, int column) = Math.DivRem(i, Bf16TileCode.Columns);
            float sum = Sum(a + row, b + column);
            float expected = row >= rows || column >= vectors * 16 ? Untouched : add ? sum + Untouched : sum;
            if (BitConverter.SingleToUInt32Bits(expected) != BitConverter.SingleToUInt32Bits(tile[i]))
            {
                return false;
            }
        }

        return true;
    }

    private static float Sum(uint* a, uint* b)
    {
        float sum = 0f;
        for (int pair = 0; pair < Pairs; pair++, a += Bf16TileCode.Rows, b += Bf16TileCode.Columns)
        {
            sum = MathF.FusedMultiplyAdd(DTypes.FromBF16((ushort)(*a >> 16)), DTypes.FromBF16((ushort)(*b >> 16)), sum);
            sum = MathF.FusedMultiplyAdd(DTypes.FromBF16((ushort)*a), DTypes.FromBF16((ushort)*b), sum);
        }

        return sum;
    }

    private static void Fill(Rng rng, Span<uint> pairs, ulong step)
    {
        float[] values = new float[2 * pairs.Length];
        rng.FillNormal(values, 0f, 1f, step);
        for (int i = 0; i < pairs.Length; i++)
        {
            pairs[i] = ((uint)DTypes.ToBF16(values[2 * i]) << 16) | DTypes.ToBF16(values[(2 * i) + 1]);
        }
    }
}
