namespace Hieno.Tensors.Tests;

public sealed unsafe class DynamicMapTests
{
    [Theory]
    [InlineData(true, 127)]
    [InlineData(false, 0)]
    public void Numbers_ascend_from_the_smallest_to_1_with_0_in_its_place(bool isSigned, int zero)
    {
        DynamicMap map = isSigned ? DynamicMap.Signed : DynamicMap.Unsigned;
        float[] values = Values(map);
        Assert.Equal(values.Distinct().Order(), values);
        Assert.Equal(zero, map.Zero);
        Assert.Equal(0, values[zero]);
        Assert.Equal(1, values[255]);
        // Written down from the paper's rule: the upper decade has 64 (or 128) numbers in the middle of equal parts of 0.1 to 1.
        Assert.Equal(isSigned ? 0.99296875 : 0.996484375, values[254], 1e-7);
        Assert.Equal(isSigned ? 5.5e-7 : 3.25e-7, values[zero + 1], 1e-12);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_nearest_number_is_found_as_by_looking_at_them_all(bool isSigned)
    {
        DynamicMap map = isSigned ? DynamicMap.Signed : DynamicMap.Unsigned;
        float[] values = Values(map);
        var rng = new Rng(3, RngStream.Sampling);
        for (int i = 0; i < 20_000; i++)
        {
            double x = Math.Pow(10, -8 * rng.Uniform(0, (ulong)i)) * (isSigned && rng.Uniform(1, (ulong)i) < 0.5 ? -1 : 1);
            double best = values.Min(value => Math.Abs(value - x));
            double found = Math.Abs(values[map.Nearest((float)x)] - x);
            Assert.True(found <= best + (1e-7 * Math.Abs(x)), $"{x}: {found} away, the nearest is {best} away");
        }
    }

    [Fact]
    public void Every_number_is_its_own_code_and_what_lies_beyond_gets_the_last()
    {
        foreach (DynamicMap map in (DynamicMap[])[DynamicMap.Signed, DynamicMap.Unsigned])
        {
            float[] values = Values(map);
            Assert.All(Enumerable.Range(0, 256), code => Assert.Equal(code, map.Nearest(values[code])));
            Assert.Equal(255, map.Nearest(1.5f));
            Assert.Equal(255, map.Nearest(float.PositiveInfinity));
        }

        Assert.Equal(0, DynamicMap.Signed.Nearest(-1));
    }

    private static float[] Values(DynamicMap map) => [.. Enumerable.Range(0, 256).Select(code => map.Values[code])];
}
