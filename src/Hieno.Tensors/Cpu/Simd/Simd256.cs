using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Hieno.Tensors.Cpu.Simd;

/// <summary>Eight lanes: AVX2.</summary>
[method: MethodImpl(MethodImplOptions.AggressiveInlining)]
internal readonly unsafe struct Simd256(Vector256<float> v) : ISimd<Simd256>
{
    private readonly Vector256<float> _v = v;

    public static int Count
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 8;
    }

    public static Simd256 Zero
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => new(Vector256<float>.Zero);
    }

    public static Simd256 Indices
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => new(Vector256.Create(0f, 1f, 2f, 3f, 4f, 5f, 6f, 7f));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 All(float value) => new(Vector256.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 Load(float* source) => new(Vector256.Load(source));

    // A bf16 is the upper half of a single: widen each 16-bit lane to 32 bits and shift it up.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 LoadBF16(ushort* source) =>
        new(Vector256.ShiftLeft(Vector256.WidenLower(Vector128.Load(source).ToVector256Unsafe()), 16).AsSingle());

    // f16 has 5 exponent bits with bias 15. Shifted into place of a single's exponent it is too small by 2^(127-15) = 2^112, which one
    // multiplication mends for normal and subnormal numbers alike; exponent 31 (infinity, NaN) is set to the single's 255 instead.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 LoadF16(ushort* source)
    {
        var bits = Vector256.WidenLower(Vector128.Load(source).ToVector256Unsafe());
        var sign = Vector256.ShiftLeft(bits & Vector256.Create(0x8000u), 16);
        var magnitude = bits & Vector256.Create(0x7FFFu);
        var special = Vector256.GreaterThanOrEqual(magnitude, Vector256.Create(0x7C00u));
        var shifted = Vector256.ShiftLeft(magnitude, 13);
        var finite = (shifted.AsSingle() * Vector256.Create(5.192296858534828e33f)).AsUInt32(); // 2^112
        var infinite = shifted | Vector256.Create(0x7F800000u);
        return new((Vector256.ConditionalSelect(special, infinite, finite) | sign).AsSingle());
    }

    // As with sixteen lanes. The permutation looks at three bits of each lane, so both halves of the levels are picked from, and the
    // fourth bit, moved to the sign, chooses between them.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 LoadNF4(byte* codes, long index)
    {
        Vector256<ulong> pairs = Avx2.ConvertToVector256Int64(Vector128.CreateScalar(Nf4Codes.Eight(codes, index)).AsByte()).AsUInt64();
        Vector256<int> lanes = (Vector256.ShiftRightLogical(pairs, 4) | Vector256.ShiftLeft(pairs, 32)).AsInt32();
        Vector256<float> negative = Avx2.PermuteVar8x32(Nf4Codes.Negative256, lanes);
        Vector256<float> positive = Avx2.PermuteVar8x32(Nf4Codes.Positive256, lanes);
        return new(Avx.BlendVariable(negative, positive, Vector256.ShiftLeft(lanes, 28).AsSingle()));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store(float* destination) => _v.Store(destination);

    // Four columns at a time. Register r holds, in its 128-bit parts, these columns of rows r and r + 4. Interleaving
    // registers 0 to 3 within the parts, first by singles, then by pairs, leaves a whole column in each.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Transpose(float* source, long sourceStride, float* destination, long destinationStride)
    {
        for (int c = 0; c < 8; c += 4)
        {
            var r0 = FourColumns(source, sourceStride);
            var r1 = FourColumns(source + sourceStride, sourceStride);
            var r2 = FourColumns(source + (2 * sourceStride), sourceStride);
            var r3 = FourColumns(source + (3 * sourceStride), sourceStride);
            var low01 = Avx.UnpackLow(r0, r1).AsDouble();
            var high01 = Avx.UnpackHigh(r0, r1).AsDouble();
            var low23 = Avx.UnpackLow(r2, r3).AsDouble();
            var high23 = Avx.UnpackHigh(r2, r3).AsDouble();
            Avx.UnpackLow(low01, low23).AsSingle().Store(destination);
            Avx.UnpackHigh(low01, low23).AsSingle().Store(destination + destinationStride);
            Avx.UnpackLow(high01, high23).AsSingle().Store(destination + (2 * destinationStride));
            Avx.UnpackHigh(high01, high23).AsSingle().Store(destination + (3 * destinationStride));
            source += 4;
            destination += 4 * destinationStride;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> FourColumns(float* source, long stride) =>
        Vector256.Create(Vector128.Load(source), Vector128.Load(source + (4 * stride)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 Fma(Simd256 a, Simd256 b, Simd256 c) => new(Vector256.FusedMultiplyAdd(a._v, b._v, c._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 Max(Simd256 a, Simd256 b) => new(Avx.Max(a._v, b._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 Min(Simd256 a, Simd256 b) => new(Avx.Min(a._v, b._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 Abs(Simd256 a) => new(Vector256.Abs(a._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 Sqrt(Simd256 a) => new(Vector256.Sqrt(a._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 Round(Simd256 a) => new(Vector256.Round(a._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 Scale(Simd256 a, Simd256 n)
    {
        // 2ⁿ is built from its exponent bits in two halves, so that n from −252 to 254 works and results underflow gradually.
        var whole = Vector256.Clamp(Vector256.ConvertToInt32(n._v), Vector256.Create(-252), Vector256.Create(254));
        var first = Vector256.ShiftRightArithmetic(whole, 1);
        var second = whole - first;
        var bias = Vector256.Create(127);
        var p = Vector256.ShiftLeft(first + bias, 23).AsSingle();
        var q = Vector256.ShiftLeft(second + bias, 23).AsSingle();
        return new(a._v * p * q);
    }

    // The exponent field is bits 23 to 30, with 127 added.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 Exponent(Simd256 a) =>
        new(Vector256.ConvertToSingle(Vector256.ShiftRightLogical(Vector256.Abs(a._v).AsInt32(), 23) - Vector256.Create(127)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 SelectLess(Simd256 a, Simd256 b, Simd256 whenTrue, Simd256 whenFalse) =>
        new(Vector256.ConditionalSelect(Vector256.LessThan(a._v, b._v), whenTrue._v, whenFalse._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Simd256 a)
    {
        return Simd128.Sum(new Simd128(a._v.GetLower() + a._v.GetUpper()));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float MaxLane(Simd256 a)
    {
        return Simd128.MaxLane(new Simd128(Vector128.Max(a._v.GetLower(), a._v.GetUpper())));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 operator +(Simd256 a, Simd256 b) => new(a._v + b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 operator -(Simd256 a, Simd256 b) => new(a._v - b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 operator *(Simd256 a, Simd256 b) => new(a._v * b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 operator /(Simd256 a, Simd256 b) => new(a._v / b._v);
}
