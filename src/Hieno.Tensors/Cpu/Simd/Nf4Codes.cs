using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Hieno.Tensors.Cpu.Simd;

/// <summary>Packed NF4 codes as vectors want them: from any code on, the first of two in the upper half of a byte.</summary>
internal static unsafe class Nf4Codes
{
    private const ulong LowerHalves = 0x0F0F0F0F0F0F0F0F;

    /// <summary>All levels, by code.</summary>
    public static Vector512<float> Levels512
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Vector512.Create(Negative256, Positive256);
    }

    /// <summary>The levels of codes 0 to 7.</summary>
    public static Vector256<float> Negative256
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Vector256.Create(
            -1f, -0.6961928009986877f, -0.5250730514526367f, -0.39491748809814453f, -0.28444138169288635f, -0.18477343022823334f, -0.09105003625154495f, 0f);
    }

    /// <summary>The levels of codes 8 to 15.</summary>
    public static Vector256<float> Positive256
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Vector256.Create(
            0.07958029955625534f, 0.16093020141124725f, 0.24611230194568634f, 0.33791524171829224f, 0.44070982933044434f, 0.5626170039176941f, 0.7229568362236023f, 1f);
    }

    /// <summary>Code <paramref name="index"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int At(byte* codes, long index) => (codes[index >> 1] >> (int)((~index & 1) << 2)) & 0xF;

    /// <summary>Sixteen codes from <paramref name="index"/> on as eight bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Sixteen(byte* codes, long index)
    {
        byte* from = codes + (index >> 1);
        ulong bytes = Unsafe.ReadUnaligned<ulong>(from);
        return (index & 1) == 0 ? bytes : Shifted(bytes, from[sizeof(ulong)], 60);
    }

    /// <summary>Eight codes from <paramref name="index"/> on as four bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Eight(byte* codes, long index)
    {
        byte* from = codes + (index >> 1);
        uint bytes = Unsafe.ReadUnaligned<uint>(from);
        return (index & 1) == 0 ? bytes : (uint)Shifted(bytes, from[sizeof(uint)], 28);
    }

    // Codes that begin in the lower half of a byte: with the halves of each byte exchanged they lie in order, so that all can be moved by one.
    private static ulong Shifted(ulong bytes, byte next, int last) => Exchanged((Exchanged(bytes) >> 4) | ((ulong)(next >> 4) << last));

    private static ulong Exchanged(ulong bytes) => ((bytes & LowerHalves) << 4) | ((bytes >> 4) & LowerHalves);
}
