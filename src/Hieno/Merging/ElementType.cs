using System.Buffers.Binary;
using Hieno.Formats.Safetensors;

namespace Hieno.Merging;

/// <summary>Elements of weight files as numbers and back.</summary>
internal static class ElementType
{
    /// <summary>True for types that can be averaged; others, such as counters and masks, are copied.</summary>
    public static bool IsNumber(SafetensorsDType type) => type is SafetensorsDType.F32 or SafetensorsDType.BF16 or SafetensorsDType.F16 or SafetensorsDType.F64;

    /// <summary>Bytes of one element.</summary>
    public static int Size(SafetensorsDType type) => type.Bits() / 8;

    /// <summary>The type that holds both: 32 bits where they differ, 64 where one has 64.</summary>
    public static SafetensorsDType Wider(SafetensorsDType a, SafetensorsDType b) =>
        a == b ? a : a == SafetensorsDType.F64 || b == SafetensorsDType.F64 ? SafetensorsDType.F64 : SafetensorsDType.F32;

    /// <summary>Decodes little-endian elements.</summary>
    public static void Read(ReadOnlySpan<byte> bytes, SafetensorsDType type, Span<double> into)
    {
        int size = Size(type);
        for (int i = 0; i < into.Length; i++)
        {
            ReadOnlySpan<byte> at = bytes.Slice(i * size, size);
            into[i] = type switch
            {
                SafetensorsDType.F32 => BinaryPrimitives.ReadSingleLittleEndian(at),
                SafetensorsDType.BF16 => BitConverter.Int32BitsToSingle(BinaryPrimitives.ReadUInt16LittleEndian(at) << 16),
                SafetensorsDType.F16 => (double)BinaryPrimitives.ReadHalfLittleEndian(at),
                _ => BinaryPrimitives.ReadDoubleLittleEndian(at),
            };
        }
    }

    /// <summary>Encodes numbers, each rounded once, to the nearest and to even.</summary>
    public static void Write(ReadOnlySpan<double> values, SafetensorsDType type, Span<byte> into)
    {
        int size = Size(type);
        for (int i = 0; i < values.Length; i++)
        {
            Span<byte> at = into.Slice(i * size, size);
            switch (type)
            {
                case SafetensorsDType.F32:
                    BinaryPrimitives.WriteSingleLittleEndian(at, (float)values[i]);
                    break;
                case SafetensorsDType.BF16:
                    BinaryPrimitives.WriteUInt16LittleEndian(at, UpperHalf((float)values[i]));
                    break;
                case SafetensorsDType.F16:
                    BinaryPrimitives.WriteHalfLittleEndian(at, (Half)values[i]);
                    break;
                default:
                    BinaryPrimitives.WriteDoubleLittleEndian(at, values[i]);
                    break;
            }
        }
    }

    // Adding just under half of the last kept place, and the place itself when it is odd, carries exactly where rounding to even goes up.
    private static ushort UpperHalf(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }
}
