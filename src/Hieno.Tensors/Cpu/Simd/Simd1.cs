using System.Runtime.CompilerServices;

namespace Hieno.Tensors.Cpu.Simd;

/// <summary>One lane: the scalar twin of every kernel, and the path of a machine without vectors.</summary>
[method: MethodImpl(MethodImplOptions.AggressiveInlining)]
internal readonly unsafe struct Simd1(float v) : ISimd<Simd1>
{
    private readonly float _v = v;

    public static int Count => 1;

    public static Simd1 Zero => new(0);

    public static Simd1 Indices => new(0);

    public static Simd1 All(float value) => new(value);

    public static Simd1 Load(float* source) => new(*source);

    public static Simd1 LoadBF16(ushort* source) => new(DTypes.FromBF16(*source));

    public static Simd1 LoadF16(ushort* source) => new(DTypes.FromF16(*source));

    public static Simd1 LoadNF4(byte* codes, long index) => new(Nf4.Levels[Nf4Codes.At(codes, index)]);

    public void Store(float* destination) => *destination = _v;

    public static void Transpose(float* source, long sourceStride, float* destination, long destinationStride) => *destination = *source;

    public static Simd1 Fma(Simd1 a, Simd1 b, Simd1 c) => new(MathF.FusedMultiplyAdd(a._v, b._v, c._v));

    public static Simd1 Max(Simd1 a, Simd1 b) => new(a._v > b._v ? a._v : b._v);

    public static Simd1 Min(Simd1 a, Simd1 b) => new(a._v < b._v ? a._v : b._v);

    public static Simd1 Abs(Simd1 a) => new(MathF.Abs(a._v));

    public static Simd1 Sqrt(Simd1 a) => new(MathF.Sqrt(a._v));

    public static Simd1 Round(Simd1 a) => new(MathF.Round(a._v, MidpointRounding.ToEven));

    public static Simd1 Scale(Simd1 a, Simd1 n) => new(MathF.ScaleB(a._v, (int)n._v));

    public static Simd1 Exponent(Simd1 a) => new(((BitConverter.SingleToInt32Bits(a._v) >> 23) & 0xFF) - 127);

    public static Simd1 SelectLess(Simd1 a, Simd1 b, Simd1 whenTrue, Simd1 whenFalse) => a._v < b._v ? whenTrue : whenFalse;

    public static float Sum(Simd1 a) => a._v;

    public static float MaxLane(Simd1 a) => a._v;

    public static Simd1 operator +(Simd1 a, Simd1 b) => new(a._v + b._v);

    public static Simd1 operator -(Simd1 a, Simd1 b) => new(a._v - b._v);

    public static Simd1 operator *(Simd1 a, Simd1 b) => new(a._v * b._v);

    public static Simd1 operator /(Simd1 a, Simd1 b) => new(a._v / b._v);
}
