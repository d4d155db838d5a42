using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Hieno.Tensors.Cpu.Simd;

/// <summary>Four lanes: SSE on x86, Neon on Arm.</summary>
[method: MethodImpl(MethodImplOptions.AggressiveInlining)]
internal readonly unsafe struct Simd128(Vector128<float> v) : ISimd<Simd128>
{
    private readonly Vector128<float> _v = v;

    public static int Count
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 4;
    }

    public static Simd128 Zero
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => new(Vector128<float>.Zero);
    }

    public static Simd128 Indices
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => new(Vector128.Create(0f, 1f, 2f, 3f));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 All(float value) => new(Vector128.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 Load(float* source) => new(Vector128.Load(source));

    // A bf16 is the upper half of a single: widen each 16-bit lane to 32 bits and shift it up.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 LoadBF16(ushort* source) =>
        new(Vector128.ShiftLeft(Vector128.WidenLower(Vector128.CreateScalarUnsafe(*(ulong*)source).AsUInt16()), 16).AsSingle());

    // f16 has 5 exponent bits with bias 15. Shifted into place of a single's exponent it is too small by 2^(127-15) = 2^112, which one
    // multiplication mends for normal and subnormal numbers alike; exponent 31 (infinity, NaN) is set to the single's 255 instead.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 LoadF16(ushort* source)
    {
        var bits = Vector128.WidenLower(Vector128.CreateScalarUnsafe(*(ulong*)source).AsUInt16());
        var sign = Vector128.ShiftLeft(bits & Vector128.Create(0x8000u), 16);
        var magnitude = bits & Vector128.Create(0x7FFFu);
        var special = Vector128.GreaterThanOrEqual(magnitude, Vector128.Create(0x7C00u));
        var shifted = Vector128.ShiftLeft(magnitude, 13);
        var finite = (shifted.AsSingle() * Vector128.Create(5.192296858534828e33f)).AsUInt32(); // 2^112
        var infinite = shifted | Vector128.Create(0x7F800000u);
        return new((Vector128.ConditionalSelect(special, infinite, finite) | sign).AsSingle());
    }

    // There is no permutation of sixteen singles here: each lane is looked up.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 LoadNF4(byte* codes, long index)
    {
        ReadOnlySpan<float> levels = Nf4.Levels;
        return new(Vector128.Create(
            levels[Nf4Codes.At(codes, index)], levels[Nf4Codes.At(codes, index + 1)], levels[Nf4Codes.At(codes, index + 2)], levels[Nf4Codes.At(codes, index + 3)]));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store(float* destination) => _v.Store(destination);

    // Rows are interleaved by singles, then by pairs: (a0 b0 a1 b1) with (c0 d0 c1 d1) gives (a0 b0 c0 d0) and (a1 b1 c1 d1).
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Transpose(float* source, long sourceStride, float* destination, long destinationStride)
    {
        var (low01, high01) = Interleave(Vector128.Load(source), Vector128.Load(source + sourceStride));
        var (low23, high23) = Interleave(Vector128.Load(source + (2 * sourceStride)), Vector128.Load(source + (3 * sourceStride)));
        Vector128.Create(low01.GetLower(), low23.GetLower()).Store(destination);
        Vector128.Create(low01.GetUpper(), low23.GetUpper()).Store(destination + destinationStride);
        Vector128.Create(high01.GetLower(), high23.GetLower()).Store(destination + (2 * destinationStride));
        Vector128.Create(high01.GetUpper(), high23.GetUpper()).Store(destination + (3 * destinationStride));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector128<float> Low, Vector128<float> High) Interleave(Vector128<float> a, Vector128<float> b)
    {
        if (Sse.IsSupported)
        {
            return (Sse.UnpackLow(a, b), Sse.UnpackHigh(a, b));
        }

        return AdvSimd.Arm64.IsSupported
            ? (AdvSimd.Arm64.ZipLow(a, b), AdvSimd.Arm64.ZipHigh(a, b))
            : (Vector128.Create(a[0], b[0], a[1], b[1]), Vector128.Create(a[2], b[2], a[3], b[3]));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 Fma(Simd128 a, Simd128 b, Simd128 c) => new(Vector128.FusedMultiplyAdd(a._v, b._v, c._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 Max(Simd128 a, Simd128 b) => new(Vector128.MaxNative(a._v, b._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 Min(Simd128 a, Simd128 b) => new(Vector128.MinNative(a._v, b._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 Abs(Simd128 a) => new(Vector128.Abs(a._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 Sqrt(Simd128 a) => new(Vector128.Sqrt(a._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 Round(Simd128 a) => new(Vector128.Round(a._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 Scale(Simd128 a, Simd128 n)
    {
        // 2ⁿ is built from its exponent bits in two halves, so that n from −252 to 254 works and results underflow gradually.
        var whole = Vector128.Clamp(Vector128.ConvertToInt32(n._v), Vector128.Create(-252), Vector128.Create(254));
        var first = Vector128.ShiftRightArithmetic(whole, 1);
        var second = whole - first;
        var bias = Vector128.Create(127);
        var p = Vector128.ShiftLeft(first + bias, 23).AsSingle();
        var q = Vector128.ShiftLeft(second + bias, 23).AsSingle();
        return new(a._v * p * q);
    }

    // The exponent field is bits 23 to 30, with 127 added.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 Exponent(Simd128 a) =>
        new(Vector128.ConvertToSingle(Vector128.ShiftRightLogical(Vector128.Abs(a._v).AsInt32(), 23) - Vector128.Create(127)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 SelectLess(Simd128 a, Simd128 b, Simd128 whenTrue, Simd128 whenFalse) =>
        new(Vector128.ConditionalSelect(Vector128.LessThan(a._v, b._v), whenTrue._v, whenFalse._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Simd128 a)
    {
        var pairs = a._v + Vector128.Shuffle(a._v, Vector128.Create(2, 3, 0, 1)); // (0+2, 1+3, …)
        return pairs[0] + pairs[1];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float MaxLane(Simd128 a)
    {
        var pairs = Vector128.Max(a._v, Vector128.Shuffle(a._v, Vector128.Create(2, 3, 0, 1)));
        return MathF.Max(pairs[0], pairs[1]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 operator +(Simd128 a, Simd128 b) => new(a._v + b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 operator -(Simd128 a, Simd128 b) => new(a._v - b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 operator *(Simd128 a, Simd128 b) => new(a._v * b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 operator /(Simd128 a, Simd128 b) => new(a._v / b._v);
}
