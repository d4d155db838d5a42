using System.Text;
using Hieno.Formats.Tracking;

namespace Hieno.Formats.Tests.Tracking;

public sealed class Crc32CTests
{
    [Fact]
    public void Check_value_of_the_castagnoli_polynomial()
    {
        byte[] digits = Encoding.ASCII.GetBytes("123456789");

        Assert.Equal(0xe3069283u, Crc32C.Of(digits));
        Assert.Equal(0xc78ab0e5u, Crc32C.Masked(digits));
    }

    // RFC 3720, appendix B.4.
    [Theory]
    [InlineData(0x00, 0, 0x8a9136aau)]
    [InlineData(0xff, 0, 0x62a8ab43u)]
    [InlineData(0x00, 1, 0x46dd794eu)]
    public void Check_values_of_the_iscsi_standard(int first, int step, uint expected) =>
        Assert.Equal(expected, Crc32C.Of([.. Enumerable.Range(0, 32).Select(i => (byte)(first + (i * step)))]));

    [Fact]
    public void Eight_bytes_at_a_time_give_the_same_as_one_bit_at_a_time()
    {
        byte[] bytes = [.. Enumerable.Range(0, 100).Select(i => (byte)(i * 37))];
        for (int length = 0; length <= bytes.Length; length++)
        {
            Assert.Equal(BitByBit(bytes.AsSpan(0, length)), Crc32C.Of(bytes.AsSpan(0, length)));
        }
    }

    private static uint BitByBit(ReadOnlySpan<byte> bytes)
    {
        uint crc = ~0u;
        foreach (byte b in bytes)
        {
            crc ^= b;
            for (int bit = 0; bit < 8; bit++)
            {
                crc = (crc >> 1) ^ ((crc & 1) * 0x82f63b78);
            }
        }

        return ~crc;
    }
}
