using System.Runtime.CompilerServices;

namespace Hieno.Tensors;

/// <summary>How the elements of a <see cref="Tensor"/> are stored. Arithmetic is always done in 32-bit floats.</summary>
public enum DType
{
    /// <summary>IEEE 754 single precision, 4 bytes.</summary>
    F32,

    /// <summary>The upper half of a single: 8 exponent bits, 7 mantissa bits, 2 bytes.</summary>
    BF16,

    /// <summary>IEEE 754 half precision, 2 bytes.</summary>
    F16,

    /// <summary>4-bit codes of normally distributed numbers with a scale for each 64 of them, about 4.13 bits each: see <see cref="Nf4"/>. For frozen weights.</summary>
    NF4,

    /// <summary>Whole numbers from 0 to 255, 1 byte: the codes of quantised numbers, which mean nothing without their table and scale.</summary>
    U8,
}

/// <summary>Sizes and conversions of a <see cref="DType"/>.</summary>
public static class DTypes
{
    /// <summary>Bytes of one element.</summary>
    /// <exception cref="NotSupportedException">The type is <see cref="DType.NF4"/>, whose elements share bytes: see <see cref="ByteLength"/>.</exception>
    public static int Size(this DType dtype) => dtype switch
    {
        DType.F32 => 4,
        DType.U8 => 1,
        DType.NF4 => throw new NotSupportedException("An element of NF4 has no bytes of its own, so a part of such a tensor cannot be addressed. Copy the tensor into a 32-bit one first."),
        _ => 2,
    };

    /// <summary>Bytes of <paramref name="count"/> elements, scales included.</summary>
    public static long ByteLength(this DType dtype, long count) => dtype == DType.NF4 ? new Nf4Layout(count).ByteLength : count * dtype.Size();

    /// <summary>Throws unless <paramref name="tensor"/> is absent or stored in 32 bits, as most operations need it.</summary>
    /// <exception cref="ArgumentException">It is stored in 16 bits; the message names it.</exception>
    internal static void ThrowIfNotF32(
        Tensor? tensor,
        [CallerMemberName] string op = "",
        [CallerArgumentExpression(nameof(tensor))] string name = "")
    {
        if (tensor is not null && tensor.DType != DType.F32)
        {
            throw new ArgumentException($"{op}: {name} is stored as {tensor.DType}, expected {DType.F32}. Copy it into a 32-bit tensor first.", name);
        }
    }

    /// <summary>Throws where <paramref name="tensor"/> holds codes, which are no numbers to compute with.</summary>
    /// <exception cref="ArgumentException">It does; the message names it.</exception>
    internal static void ThrowIfCodes(
        Tensor tensor,
        [CallerMemberName] string op = "",
        [CallerArgumentExpression(nameof(tensor))] string name = "")
    {
        if (tensor.DType == DType.U8)
        {
            throw new ArgumentException($"{op}: {name} holds codes ({DType.U8}), which are no numbers. Give the numbers they stand for.", name);
        }
    }

    /// <summary>The single that a stored bf16 stands for (exact).</summary>
    public static float FromBF16(ushort bits) => BitConverter.UInt32BitsToSingle((uint)bits << 16);

    /// <summary>The nearest bf16 of <paramref name="value"/>; ties go to the even mantissa, NaN stays NaN.</summary>
    public static ushort ToBF16(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return float.IsNaN(value)
            ? (ushort)((bits >> 16) | 0x40) // keep it a quiet NaN even if all kept mantissa bits are zero
            : (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }

    /// <summary>The single that a stored f16 stands for (exact).</summary>
    public static float FromF16(ushort bits) => (float)BitConverter.UInt16BitsToHalf(bits);

    /// <summary>The nearest f16 of <paramref name="value"/>; values beyond 65504 become infinite.</summary>
    public static ushort ToF16(float value) => BitConverter.HalfToUInt16Bits((Half)value);
}
