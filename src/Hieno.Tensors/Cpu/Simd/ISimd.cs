namespace Hieno.Tensors.Cpu.Simd;

/// <summary>
/// A vector of single-precision lanes. A kernel is written once against this interface and compiled by the JIT for each width:
/// 16 lanes (AVX-512), 8 (AVX2), 4 (SSE, Neon) and 1. The one-lane version is the scalar twin that tests compare the others with.
/// </summary>
/// <typeparam name="T">The implementing vector.</typeparam>
internal unsafe interface ISimd<T>
    where T : unmanaged, ISimd<T>
{
    /// <summary>Number of lanes.</summary>
    static abstract int Count { get; }

    /// <summary>All lanes 0.</summary>
    static abstract T Zero { get; }

    /// <summary>Lane i = i.</summary>
    static abstract T Indices { get; }

    /// <summary>All lanes <paramref name="value"/>.</summary>
    static abstract T All(float value);

    /// <summary>Lane i = source[i].</summary>
    static abstract T Load(float* source);

    /// <summary>Lane i = the single that the bf16 source[i] stands for.</summary>
    static abstract T LoadBF16(ushort* source);

    /// <summary>Lane i = the single that the f16 source[i] stands for.</summary>
    static abstract T LoadF16(ushort* source);

    /// <summary>
    /// Lane i = the NF4 level of code index + i. Two codes share a byte, the first in its upper half; bytes that hold none of these codes are not read.
    /// </summary>
    static abstract T LoadNF4(byte* codes, long index);

    /// <summary>destination[i] = lane i.</summary>
    void Store(float* destination);

    /// <summary>
    /// Turns a square block of Count by Count numbers over: destination row c is source column c. Rows are the given strides apart.
    /// </summary>
    static abstract void Transpose(float* source, long sourceStride, float* destination, long destinationStride);

    /// <summary>a · b + c, rounded once.</summary>
    static abstract T Fma(T a, T b, T c);

    /// <summary>The larger of each pair of lanes; a NaN in either stays NaN or gives the other operand, as the hardware does.</summary>
    static abstract T Max(T a, T b);

    /// <summary>The smaller of each pair of lanes.</summary>
    static abstract T Min(T a, T b);

    /// <summary>|a|.</summary>
    static abstract T Abs(T a);

    /// <summary>√a, correctly rounded.</summary>
    static abstract T Sqrt(T a);

    /// <summary>The nearest whole number, ties to even.</summary>
    static abstract T Round(T a);

    /// <summary>a · 2ⁿ for whole n, with correct underflow and overflow.</summary>
    static abstract T Scale(T a, T n);

    /// <summary>⌊log₂|a|⌋ of normal numbers: the exponent of 1.m · 2ᵉ. Undefined for zero, subnormal numbers, infinity and NaN.</summary>
    static abstract T Exponent(T a);

    /// <summary>Lane by lane: a &lt; b ? whenTrue : whenFalse.</summary>
    static abstract T SelectLess(T a, T b, T whenTrue, T whenFalse);

    /// <summary>The sum of all lanes, halves first: ((0+4)+(2+6))+… so that the order is fixed for a width.</summary>
    static abstract float Sum(T a);

    /// <summary>The largest lane.</summary>
    static abstract float MaxLane(T a);

    /// <summary>a + b.</summary>
    static abstract T operator +(T a, T b);

    /// <summary>a − b.</summary>
    static abstract T operator -(T a, T b);

    /// <summary>a · b.</summary>
    static abstract T operator *(T a, T b);

    /// <summary>a / b.</summary>
    static abstract T operator /(T a, T b);
}
