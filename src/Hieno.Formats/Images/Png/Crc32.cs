namespace Hieno.Formats.Images.Png;

/// <summary>The checksum of PNG's chunks: CRC-32 with the polynomial of ISO 3309 (PNG specification, annex D).</summary>
internal static class Crc32
{
    private static readonly uint[] s_table = [.. Enumerable.Range(0, 256).Select(i => Step((uint)i, 8))];

    public static uint Of(ReadOnlySpan<byte> bytes)
    {
        uint crc = ~0u;
        foreach (byte b in bytes)
        {
            crc = s_table[(crc ^ b) & 0xFF] ^ (crc >> 8);
        }

        return ~crc;
    }

    private static uint Step(uint crc, int bits)
    {
        for (; bits > 0; bits--)
        {
            crc = (crc & 1) != 0 ? 0xEDB88320u ^ (crc >> 1) : crc >> 1;
        }

        return crc;
    }
}
