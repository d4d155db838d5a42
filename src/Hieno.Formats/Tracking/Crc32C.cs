using System.Buffers.Binary;
using System.Numerics;

namespace Hieno.Formats.Tracking;

/// <summary>The checksum of TensorBoard's records: CRC-32 with the Castagnoli polynomial.</summary>
internal static class Crc32C
{
    public static uint Of(ReadOnlySpan<byte> bytes)
    {
        uint crc = ~0u;
        for (; bytes.Length >= sizeof(ulong); bytes = bytes[sizeof(ulong)..])
        {
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        }

        foreach (byte b in bytes)
        {
            crc = BitOperations.Crc32C(crc, b);
        }

        return ~crc;
    }

    /// <summary>The checksum as it is stored. Masked, because the checksum of data that holds its own checksum is a bad checksum.</summary>
    public static uint Masked(ReadOnlySpan<byte> bytes) => BitOperations.RotateRight(Of(bytes), 15) + 0xa282ead8;
}
