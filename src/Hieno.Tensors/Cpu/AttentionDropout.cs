using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Hieno.Tensors.Cpu.Simd;

namespace Hieno.Tensors.Cpu;

/// <summary>
/// The factors of dropout for tiles of probabilities: 0 for a dropped one, 1/(1 − rate) for the others. Four consecutive keys of a query
/// share one draw of the generator, counted by (head, query, key / 4) whatever the tiles are.
/// </summary>
internal static unsafe class AttentionDropout
{
    private const int Lanes = AttentionTiles.Queries;

    /// <summary>Writes the factors of <paramref name="rows"/> keys for the queries of a tile, [key][query].</summary>
    /// <param name="mask">The mask of the whole call.</param>
    /// <param name="firstQuery">The tile's first query, counted over the queries of all heads before it.</param>
    /// <param name="firstKey">The key of the first row.</param>
    /// <param name="rows">Number of keys.</param>
    /// <param name="keyCount">Keys of the whole call.</param>
    /// <param name="factors">Receives <paramref name="rows"/> rows of one number a lane, also for lanes without a query.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Factors<V>(in DropoutMask mask, ulong firstQuery, int firstKey, int rows, int keyCount, float* factors)
        where V : unmanaged, ISimd<V>
    {
        ulong drawsPerQuery = ((ulong)keyCount + 3) / 4;
        ulong* draws = stackalloc ulong[Lanes]; // the draw that holds key 0 of each lane's query
        for (int lane = 0; lane < Lanes; lane++)
        {
            draws[lane] = (mask.Position >> 2) + ((firstQuery + (ulong)lane) * drawsPerQuery);
        }

        float* four = stackalloc float[4 * Lanes];
        for (int key = firstKey & ~3; key < firstKey + rows; key += 4)
        {
            // A draw may begin before the first row or end behind the last: then it goes to a side buffer, and its rows that count are copied.
            bool inside = key >= firstKey && key + 4 <= firstKey + rows;
            float* to = inside ? factors + ((nint)(key - firstKey) * Lanes) : four;
            if (V.Count == 16)
            {
                Draw512(mask, draws, (ulong)key / 4, to);
            }
            else
            {
                Draw(mask, draws, (ulong)key / 4, to);
            }

            for (int row = Math.Max(key, firstKey); !inside && row < Math.Min(key + 4, firstKey + rows); row++)
            {
                new Span<float>(four + ((row - key) * Lanes), Lanes).CopyTo(new Span<float>(factors + ((nint)(row - firstKey) * Lanes), Lanes));
            }
        }
    }

    // Four rows of factors: the four words of one draw for each lane.
    private static void Draw(in DropoutMask mask, ulong* draws, ulong quarter, float* to)
    {
        float kept = mask.Scale;
        ulong threshold = mask.Threshold;
        for (int lane = 0; lane < Lanes; lane++)
        {
            (uint a, uint b, uint c, uint d) = mask.Rng.Block(mask.Pass, draws[lane] + quarter);
            to[lane] = a < threshold ? 0f : kept;
            to[lane + Lanes] = b < threshold ? 0f : kept;
            to[lane + (2 * Lanes)] = c < threshold ? 0f : kept;
            to[lane + (3 * Lanes)] = d < threshold ? 0f : kept;
        }
    }

    // The same for eight queries at a time. Each word of the generator's state sits in the lower half of a 64-bit lane, where one
    // instruction gives the whole product; what gathers in the upper halves is ignored by the multiplication and cut off at the end.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Draw512(in DropoutMask mask, ulong* draws, ulong quarter, float* to)
    {
        var low = Vector512.Create(0xFFFFFFFFul);
        var threshold = Vector512.Create(mask.Threshold);
        var kept = Vector512.Create((ulong)BitConverter.SingleToUInt32Bits(mask.Scale));
        var m0 = Vector512.Create(0xD2511F53ul).AsUInt32();
        var m1 = Vector512.Create(0xCD9E8D57ul).AsUInt32();
        (uint key0, uint key1) = mask.Rng.Key;
        for (int lane = 0; lane < Lanes; lane += 8)
        {
            Vector512<ulong> a = Vector512.Load(draws + lane) + Vector512.Create(quarter);
            Vector512<ulong> b = Vector512.ShiftRightLogical(a, 32);
            var c = Vector512.Create(mask.Pass & 0xFFFFFFFFul);
            var d = Vector512.Create(mask.Pass >> 32);
            (uint k0, uint k1) = (key0, key1);
            for (int round = 0; round < 10; round++)
            {
                Vector512<ulong> p0 = Avx512F.Multiply(a.AsUInt32(), m0);
                Vector512<ulong> p1 = Avx512F.Multiply(c.AsUInt32(), m1);
                a = Vector512.ShiftRightLogical(p1, 32) ^ b ^ Vector512.Create((ulong)k0);
                b = p1;
                c = Vector512.ShiftRightLogical(p0, 32) ^ d ^ Vector512.Create((ulong)k1);
                d = p0;
                k0 += 0x9E3779B9u;
                k1 += 0xBB67AE85u;
            }

            Store(a, to + lane);
            Store(b, to + lane + Lanes);
            Store(c, to + lane + (2 * Lanes));
            Store(d, to + lane + (3 * Lanes));
        }

        void Store(Vector512<ulong> word, float* at)
        {
            Vector512<ulong> factor = Vector512.AndNot(kept, Vector512.LessThan(word & low, threshold));
            Avx512F.ConvertToVector256UInt32(factor).AsSingle().Store(at);
        }
    }
}
