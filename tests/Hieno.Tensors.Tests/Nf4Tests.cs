using System.Text.Json;
using Hieno.Tests.Shared;

namespace Hieno.Tensors.Tests;

public sealed class Nf4Tests
{
    [Fact]
    public void Levels_are_the_quantiles_of_a_normal_distribution_that_the_paper_builds_them_from()
    {
        // Eight quantiles above the middle, seven below, evenly spaced in probability, and 0; divided by the largest.
        double[] above = [.. Enumerable.Range(0, 8).Select(i => Quantile(0.9677083 + (i * (0.5 - 0.9677083) / 8)))];
        double[] below = [.. Enumerable.Range(0, 7).Select(i => -Quantile(0.9677083 + (i * (0.5 - 0.9677083) / 7)))];
        double[] expected = [.. above.Concat(below).Append(0).Select(value => value / above[0]).Order()];
        Assert.Equal(16, Nf4.Levels.Length);
        for (int i = 0; i < 16; i++)
        {
            Assert.Equal(expected[i], Nf4.Levels[i], 2e-7);
        }
    }

    [Fact]
    public void Boundaries_are_those_of_the_original_implementation()
    {
        double[] published =
        [
            -0.8480964005, -0.6106329262, -0.4599952698, -0.3396794349, -0.2346074060, -0.1379117332, -0.0455250181, 0.0397901498,
            0.1202552505, 0.2035212517, 0.2920137718, 0.3893125355, 0.5016634166, 0.6427869201, 0.8614784181,
        ];
        Assert.Equal(published.Length, Nf4.Boundaries.Length);
        for (int i = 0; i < published.Length; i++)
        {
            Assert.Equal(published[i], Nf4.Boundaries[i], 3e-8);
        }
    }

    [SkippableFact]
    public void Scale_levels_and_a_block_equal_the_golden_values()
    {
        using JsonDocument golden = JsonDocument.Parse(File.ReadAllBytes(SharedFolder.Require("reference/golden.json")));
        JsonElement map = golden.RootElement.GetProperty("dynamic8_map");
        Assert.Equal(map.GetProperty("n").GetInt32(), Nf4.ScaleLevels.Length);
        Assert.Equal(Singles(map, "first"), Nf4.ScaleLevels[..3].ToArray());
        Assert.Equal(Singles(map, "last"), Nf4.ScaleLevels[^4..].ToArray());
        float[] middle = Singles(map, "mid");
        int zero = Nf4.ScaleLevels.IndexOf(0f);
        Assert.Equal(middle, Nf4.ScaleLevels.Slice(zero - Array.IndexOf(middle, 0f), middle.Length).ToArray());

        JsonElement block = golden.RootElement.GetProperty("nf4_block");
        Tensor quantized = TestTensors.Quantized(TestTensors.Of([8], Singles(block, "x"), DType.F32, null, 0, false));
        Assert.Equal([.. block.GetProperty("codes").EnumerateArray().Select(code => code.GetInt32())], Codes(quantized));
        TestTensors.Close([.. Singles(block, "dequant").Select(value => (double)value)], quantized.ToArray(), 1e-8);
    }

    [Fact]
    public void Scale_levels_lie_around_zero_in_seven_powers_of_ten()
    {
        float[] levels = Nf4.ScaleLevels.ToArray();
        Assert.Equal(256, levels.Length);
        Assert.Equal(levels.Order(), levels);
        Assert.Equal((0f, 1f), (levels[127], levels[255]));
        for (int exponent = 0; exponent < 7; exponent++)
        {
            double top = Math.Pow(10, exponent - 6);
            Assert.Equal(1 << exponent, levels.Count(level => level > 0.1 * top && level < top && level < 1));
            Assert.Equal(1 << exponent, levels.Count(level => -level > 0.1 * top && -level < top));
        }
    }

    [Fact]
    public void A_scale_gets_the_nearest_level_and_the_lower_of_two()
    {
        foreach (float distance in TestTensors.Normal(2000, 4).Select(value => Math.Clamp(value / 3, -1, 1)).Concat(Nf4.ScaleLevels.ToArray()).Append(-1f))
        {
            int nearest = 0;
            for (int code = 1; code < 256; code++)
            {
                nearest = Math.Abs(Nf4.ScaleLevels[code] - distance) < Math.Abs(Nf4.ScaleLevels[nearest] - distance) ? code : nearest;
            }

            Assert.Equal(nearest, Nf4.ScaleCode(distance));
        }
    }

    [Fact]
    public void A_large_weight_takes_4_127_bits_a_number() =>
        Assert.Equal(4 + (8 / 64.0) + (32 / (64.0 * 256)), 8.0 * DType.NF4.ByteLength(4096 * 4096) / (4096 * 4096), 1e-4);

    [Fact]
    public void A_part_of_an_nf4_tensor_is_refused()
    {
        Tensor quantized = TestTensors.Random([4, 64], 1, DType.NF4);
        Assert.Equal([256], quantized.View([256]).Shape);
        Assert.Throws<NotSupportedException>(() => quantized.RowRange(1, 2));
        Assert.Throws<NotSupportedException>(() => quantized.ColumnRange(0, 32));
        Assert.Throws<NotSupportedException>(() => DType.NF4.Size());
    }

    /// <summary>The codes of a tensor, the upper half of each byte first.</summary>
    internal static unsafe int[] Codes(Tensor quantized)
    {
        int[] codes = new int[quantized.Count];
        for (int i = 0; i < codes.Length; i++)
        {
            byte pair = ((byte*)quantized.Pointer)[i / 2];
            codes[i] = i % 2 == 0 ? pair >> 4 : pair & 15;
        }

        return codes;
    }

    private static float[] Singles(JsonElement element, string name) => [.. element.GetProperty(name).EnumerateArray().Select(value => value.GetSingle())];

    // The x whose share of the standard normal distribution is p, by halving; Φ by its power series around 0.
    private static double Quantile(double p)
    {
        (double low, double high) = (0, 5);
        for (int i = 0; i < 60; i++)
        {
            double middle = (low + high) / 2;
            (low, high) = Share(middle) < p ? (middle, high) : (low, middle);
        }

        return low;

        static double Share(double x)
        {
            (double sum, double term) = (x, x);
            for (int k = 1; k < 100; k++)
            {
                term *= x * x / ((2 * k) + 1);
                sum += term;
            }

            return 0.5 + (sum * Math.Exp(-x * x / 2) / Math.Sqrt(2 * Math.PI));
        }
    }
}
