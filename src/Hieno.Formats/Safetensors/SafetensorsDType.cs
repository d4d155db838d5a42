namespace Hieno.Formats.Safetensors;

/// <summary>Data types a safetensors file can hold.</summary>
/// <remarks>In the order of the reference implementation, because its writer sorts tensors by it, descending.</remarks>
public enum SafetensorsDType
{
    /// <summary>Boolean, one byte each.</summary>
    Bool,

    /// <summary>4-bit float of the OCP microscaling formats, two to a byte.</summary>
    F4,

    /// <summary>6-bit float, 2 exponent and 3 mantissa bits.</summary>
    F6E2M3,

    /// <summary>6-bit float, 3 exponent and 2 mantissa bits.</summary>
    F6E3M2,

    /// <summary>Unsigned 8-bit integer.</summary>
    U8,

    /// <summary>Signed 8-bit integer.</summary>
    I8,

    /// <summary>8-bit float, 5 exponent and 2 mantissa bits.</summary>
    F8E5M2,

    /// <summary>8-bit float, 4 exponent and 3 mantissa bits.</summary>
    F8E4M3,

    /// <summary>8-bit power of two, the shared scale of a microscaling block.</summary>
    F8E8M0,

    /// <summary>8-bit float E4M3 without infinities and without a negative zero.</summary>
    F8E4M3Fnuz,

    /// <summary>8-bit float E5M2 without infinities and without a negative zero.</summary>
    F8E5M2Fnuz,

    /// <summary>Signed 16-bit integer.</summary>
    I16,

    /// <summary>Unsigned 16-bit integer.</summary>
    U16,

    /// <summary>IEEE 754 half precision.</summary>
    F16,

    /// <summary>The upper half of a 32-bit float.</summary>
    BF16,

    /// <summary>Signed 32-bit integer.</summary>
    I32,

    /// <summary>Unsigned 32-bit integer.</summary>
    U32,

    /// <summary>IEEE 754 single precision.</summary>
    F32,

    /// <summary>Complex number of two 32-bit floats.</summary>
    C64,

    /// <summary>IEEE 754 double precision.</summary>
    F64,

    /// <summary>Signed 64-bit integer.</summary>
    I64,

    /// <summary>Unsigned 64-bit integer.</summary>
    U64,
}

/// <summary>Sizes and names of the <see cref="SafetensorsDType"/> values.</summary>
public static class SafetensorsDTypes
{
    // Indexed by the value of the enumeration.
    private static readonly (string Name, int Bits)[] Table =
    [
        ("BOOL", 8), ("F4", 4), ("F6_E2M3", 6), ("F6_E3M2", 6), ("U8", 8), ("I8", 8), ("F8_E5M2", 8), ("F8_E4M3", 8),
        ("F8_E8M0", 8), ("F8_E4M3FNUZ", 8), ("F8_E5M2FNUZ", 8), ("I16", 16), ("U16", 16), ("F16", 16), ("BF16", 16),
        ("I32", 32), ("U32", 32), ("F32", 32), ("C64", 64), ("F64", 64), ("I64", 64), ("U64", 64),
    ];

    private static readonly Dictionary<string, SafetensorsDType> ByName =
        Enum.GetValues<SafetensorsDType>().ToDictionary(dtype => dtype.Name(), StringComparer.Ordinal);

    /// <summary>Names of all data types, as the file writes them.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Table.Select(row => row.Name)];

    /// <summary>Bits of one element: 4, 6, 8, 16, 32 or 64.</summary>
    public static int Bits(this SafetensorsDType dtype) => Table[(int)dtype].Bits;

    /// <summary>The name in the file, e.g. <c>F8_E4M3</c>.</summary>
    public static string Name(this SafetensorsDType dtype) => Table[(int)dtype].Name;

    /// <summary>Finds a data type by its name in the file; false when there is none of that name.</summary>
    public static bool TryParse(string name, out SafetensorsDType dtype) => ByName.TryGetValue(name, out dtype);

    /// <summary>Bytes of a tensor of this type and shape.</summary>
    /// <exception cref="OverflowException">The element count or the bit count does not fit 64 bits.</exception>
    /// <exception cref="ArgumentException">A dimension is negative, or the bits do not fill whole bytes.</exception>
    public static long ByteLength(this SafetensorsDType dtype, ReadOnlySpan<long> shape)
    {
        ulong bits = 1;
        foreach (long dimension in shape)
        {
            if (dimension < 0)
            {
                throw new ArgumentException($"Dimension {dimension} of shape [{string.Join(", ", shape.ToArray())}] is negative.", nameof(shape));
            }

            bits = checked(bits * (ulong)dimension);
        }

        bits = checked(bits * (ulong)dtype.Bits());
        return bits % 8 == 0
            ? (long)(bits / 8)
            : throw new ArgumentException($"{bits} bits of {dtype.Name()} do not fill whole bytes.", nameof(shape));
    }
}
