using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Hieno.Tensors.Cpu.Simd;

/// <summary>Sixteen lanes: AVX-512.</summary>
[method: MethodImpl(MethodImplOptions.AggressiveInlining)]
internal readonly unsafe struct Simd512(Vector512<float> v) : ISimd<Simd512>
{
    private readonly Vector512<float> _v = v;

    /// <summary>The register itself.</summary>
    public Vector512<float> Value
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => _v;
    }

    public static int Count
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 16;
    }

    public static Simd512 Zero
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => new(Vector512<float>.Zero);
    }

    public static Simd512 Indices
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => new(Vector512.Create(0f, 1f, 2f, 3f, 4f, 5f, 6f, 7f, 8f, 9f, 10f, 11f, 12f, 13f, 14f, 15f));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 All(float value) => new(Vector512.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 Load(float* source) => new(Vector512.Load(source));

    // A bf16 is the upper half of a single: widen each 16-bit lane to 32 bits and shift it up.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 LoadBF16(ushort* source) =>
        new(Vector512.ShiftLeft(Vector512.WidenLower(Vector256.Load(source).ToVector512Unsafe()), 16).AsSingle());

    // f16 has 5 exponent bits with bias 15. Shifted into place of a single's exponent it is too small by 2^(127-15) = 2^112, which one
    // multiplication mends for normal and subnormal numbers alike; exponent 31 (infinity, NaN) is set to the single's 255 instead.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 LoadF16(ushort* source)
    {
        var bits = Vector512.WidenLower(Vector256.Load(source).ToVector512Unsafe());
        var sign = Vector512.ShiftLeft(bits & Vector512.Create(0x8000u), 16);
        var magnitude = bits & Vector512.Create(0x7FFFu);
        var special = Vector512.GreaterThanOrEqual(magnitude, Vector512.Create(0x7C00u));
        var shifted = Vector512.ShiftLeft(magnitude, 13);
        var finite = (shifted.AsSingle() * Vector512.Create(5.192296858534828e33f)).AsUInt32(); // 2^112
        var infinite = shifted | Vector512.Create(0x7F800000u);
        return new((Vector512.ConditionalSelect(special, infinite, finite) | sign).AsSingle());
    }

    // Each of the eight bytes is widened to 64 bits: its upper half moves into the lower lane, its lower half into the upper lane. The
    // permutation looks at the lowest four bits of each lane only.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 LoadNF4(byte* codes, long index)
    {
        Vector512<ulong> pairs = Avx512F.ConvertToVector512UInt64(Vector128.CreateScalar(Nf4Codes.Sixteen(codes, index)).AsByte());
        Vector512<int> lanes = (Vector512.ShiftRightLogical(pairs, 4) | Vector512.ShiftLeft(pairs, 32)).AsInt32();
        return new(Avx512F.PermuteVar16x32(Nf4Codes.Levels512, lanes));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store(float* destination) => _v.Store(destination);

    // Four columns at a time. Register r holds, in its 128-bit parts, these columns of rows r, r + 4, r + 8 and r + 12. Interleaving
    // registers 0 to 3 within the parts, first by singles, then by pairs, leaves a whole column in each.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Transpose(float* source, long sourceStride, float* destination, long destinationStride)
    {
        for (int c = 0; c < 16; c += 4)
        {
            var r0 = FourColumns(source, sourceStride);
            var r1 = FourColumns(source + sourceStride, sourceStride);
            var r2 = FourColumns(source + (2 * sourceStride), sourceStride);
            var r3 = FourColumns(source + (3 * sourceStride), sourceStride);
            var low01 = Avx512F.UnpackLow(r0, r1).AsDouble();
            var high01 = Avx512F.UnpackHigh(r0, r1).AsDouble();
            var low23 = Avx512F.UnpackLow(r2, r3).AsDouble();
            var high23 = Avx512F.UnpackHigh(r2, r3).AsDouble();
            Avx512F.UnpackLow(low01, low23).AsSingle().Store(destination);
            Avx512F.UnpackHigh(low01, low23).AsSingle().Store(destination + destinationStride);
            Avx512F.UnpackLow(high01, high23).AsSingle().Store(destination + (2 * destinationStride));
            Avx512F.UnpackHigh(high01, high23).AsSingle().Store(destination + (3 * destinationStride));
            source += 4;
            destination += 4 * destinationStride;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> FourColumns(float* source, long stride) =>
        Vector512.Create(
            Vector256.Create(Vector128.Load(source), Vector128.Load(source + (4 * stride))),
            Vector256.Create(Vector128.Load(source + (8 * stride)), Vector128.Load(source + (12 * stride))));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 Fma(Simd512 a, Simd512 b, Simd512 c) => new(Vector512.FusedMultiplyAdd(a._v, b._v, c._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 Max(Simd512 a, Simd512 b) => new(Avx512F.Max(a._v, b._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 Min(Simd512 a, Simd512 b) => new(Avx512F.Min(a._v, b._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 Abs(Simd512 a) => new(Vector512.Abs(a._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 Sqrt(Simd512 a) => new(Vector512.Sqrt(a._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 Round(Simd512 a) => new(Vector512.Round(a._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 Scale(Simd512 a, Simd512 n) => new(Avx512F.Scale(a._v, n._v)); // one instruction, any n

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 Exponent(Simd512 a) => new(Avx512F.GetExponent(a._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 SelectLess(Simd512 a, Simd512 b, Simd512 whenTrue, Simd512 whenFalse) =>
        new(Vector512.ConditionalSelect(Vector512.LessThan(a._v, b._v), whenTrue._v, whenFalse._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Simd512 a)
    {
        return Simd256.Sum(new Simd256(a._v.GetLower() + a._v.GetUpper()));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float MaxLane(Simd512 a)
    {
        return Simd256.MaxLane(new Simd256(Vector256.Max(a._v.GetLower(), a._v.GetUpper())));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 operator +(Simd512 a, Simd512 b) => new(a._v + b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 operator -(Simd512 a, Simd512 b) => new(a._v - b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 operator *(Simd512 a, Simd512 b) => new(a._v * b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 operator /(Simd512 a, Simd512 b) => new(a._v / b._v);
}
