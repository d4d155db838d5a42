namespace Hieno.Tensors.Tests;

public sealed class DTypeTests
{
    [Fact]
    public void Every_16_bit_number_survives_the_way_to_a_single_and_back()
    {
        for (int bits = 0; bits <= ushort.MaxValue; bits++)
        {
            float wide = DTypes.FromBF16((ushort)bits);
            float half = DTypes.FromF16((ushort)bits);
            Assert.True(float.IsNaN(wide) ? float.IsNaN(DTypes.FromBF16(DTypes.ToBF16(wide))) : DTypes.ToBF16(wide) == bits);
            Assert.True(float.IsNaN(half) ? float.IsNaN(DTypes.FromF16(DTypes.ToF16(half))) : DTypes.ToF16(half) == bits);
        }
    }

    [Theory]
    [InlineData(0x3F808000, 0x3F80)] // halfway between 1 and the next: to the even one, down
    [InlineData(0x3F818000, 0x3F82)] // halfway: to the even one, up
    [InlineData(0x3F808001, 0x3F81)]
    [InlineData(0x3F807FFF, 0x3F80)]
    [InlineData(0x7F7FFFFF, 0x7F80)] // the largest single is nearer to infinity than to the largest bf16
    [InlineData(0x7F800000, 0x7F80)]
    [InlineData(0xFF800000, 0xFF80)]
    [InlineData(0x7F800001, 0x7FC0)] // a NaN whose payload would be cut off
    [InlineData(0x80000001, 0x8000)]
    public void Bf16_rounds_to_nearest_even(uint single, int expected) =>
        Assert.Equal(expected, DTypes.ToBF16(BitConverter.UInt32BitsToSingle(single)));

    [Fact]
    public void Sizes_are_those_in_files() =>
        Assert.Equal((4, 2, 2), (DType.F32.Size(), DType.BF16.Size(), DType.F16.Size()));
}
