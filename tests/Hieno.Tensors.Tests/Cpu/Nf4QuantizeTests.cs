using Hieno.Tensors.Cpu;

namespace Hieno.Tensors.Tests.Cpu;

public sealed class Nf4QuantizeTests
{
    // Single numbers, odd counts, a block and its neighbours, several blocks of scales and a ragged end.
    public static TheoryData<int> Counts => [1, 2, 3, 63, 64, 65, 127, 1000, (64 * 256) - 1, (64 * 256) + 1, (64 * 600) + 17];

    [Theory]
    [MemberData(nameof(Counts))]
    public void Codes_and_numbers_equal_those_of_a_plain_implementation(int count)
    {
        float[] numbers = Varied(count);
        (int[] codes, float[] expected) = Reference(numbers);
        foreach (CpuBackend backend in TestTensors.Widths.Concat(TestTensors.Teams))
        {
            Tensor quantized = TestTensors.Quantized(TestTensors.Of([count], numbers, DType.F32, backend, 0, false));
            Assert.Equal(codes, Nf4Tests.Codes(quantized));
            TestTensors.SameBits(expected, quantized.ToArray());

            Tensor expanded = Tensor.CreateLongLived([count], DType.F32, backend);
            backend.Copy(quantized, expanded);
            TestTensors.SameBits(expected, expanded.ToArray());
        }
    }

    [Theory]
    [MemberData(nameof(Counts))]
    public unsafe void All_bytes_are_the_same_for_any_number_of_threads_and_any_vectors(int count)
    {
        byte[]? first = null;
        foreach (CpuBackend backend in TestTensors.Teams.Concat(TestTensors.Widths))
        {
            Tensor quantized = TestTensors.Quantized(TestTensors.Of([count], Varied(count), DType.F32, backend, 0, false));
            byte[] bytes = new ReadOnlySpan<byte>((byte*)quantized.Pointer, (int)DType.NF4.ByteLength(count)).ToArray();
            Assert.Equal(first ??= bytes, bytes);
        }
    }

    [Fact]
    public void An_error_is_at_most_half_the_widest_cell_of_the_largest_magnitude_of_its_block()
    {
        const int Blocks = 300;
        float[] numbers = TestTensors.Normal(64 * Blocks, 3);
        float[] back = TestTensors.Quantized(TestTensors.Of([Blocks, 64], numbers, DType.F32, null, 0, false)).ToArray();
        double half = (Nf4.Levels[1] - Nf4.Levels[0]) / 2; // of the widest cell
        double spread = ScaleSpread(numbers);
        double worst = 0;
        for (int block = 0; block < Blocks; block++)
        {
            double largest = numbers.Skip(64 * block).Take(64).Max(Math.Abs);
            for (int i = 64 * block; i < 64 * (block + 1); i++)
            {
                worst = Math.Max(worst, Math.Abs(back[i] - numbers[i]) / largest);

                // The scale itself is off by at most half the widest cell of its own levels.
                Assert.True(Math.Abs(back[i] - numbers[i]) <= (half * largest) + (0.0071 * spread), $"number {i}: {numbers[i]} became {back[i]}");
            }
        }

        Assert.True(worst > 0.6 * half, $"The worst error is only {worst / half} of the bound.");
    }

    [Theory]
    [InlineData(DType.BF16)]
    [InlineData(DType.F16)]
    public void A_16_bit_source_gives_the_codes_of_its_expanded_numbers(DType dtype)
    {
        Tensor source = TestTensors.Random([30, 70], 1, dtype);
        Tensor wide = TestTensors.Of(source.Shape, source.ToArray(), DType.F32, null, 0, false);
        TestTensors.SameBits(TestTensors.Quantized(wide).ToArray(), TestTensors.Quantized(source).ToArray());
    }

    [Fact]
    public void Zeros_stay_zeros_beside_blocks_that_are_not()
    {
        float[] numbers = TestTensors.Normal(192, 2);
        Array.Clear(numbers, 64, 64);
        float[] back = TestTensors.Quantized(TestTensors.Of([3, 64], numbers, DType.F32, null, 0, false)).ToArray();
        Assert.All(back[64..128], value => Assert.Equal(0f, value));
        Assert.All(TestTensors.Quantized(TestTensors.Of([3, 64], new float[192], DType.F32, null, 0, false)).ToArray(), value => Assert.Equal(0f, value));
    }

    [Fact]
    public void A_copy_of_a_quantised_tensor_has_its_numbers()
    {
        Tensor quantized = TestTensors.Random([9, 37], 1, DType.NF4);
        TestTensors.SameBits(quantized.ToArray(), TestTensors.Quantized(quantized).ToArray());
        Tensor half = Tensor.CreateLongLived(quantized.Shape, DType.BF16);
        half.Backend.Copy(quantized, half);
        Assert.Equal(quantized.ToArray().Select(value => DTypes.FromBF16(DTypes.ToBF16(value))), half.ToArray());
    }

    [Fact]
    public void A_tensor_with_gaps_is_refused() =>
        Assert.Throws<NotSupportedException>(() => TestTensors.Quantized(TestTensors.Random([3, 64], 1, gap: 2)));

    // Blocks of different sizes, a level met exactly, and boundaries.
    private static float[] Varied(int count)
    {
        float[] numbers = TestTensors.Normal(count, 8);
        for (int i = 0; i < count; i++)
        {
            numbers[i] *= 1 + (i / 64 % 7);
        }

        for (int i = 0; i < 15 && i + 1 < count; i++)
        {
            (numbers[0], numbers[i + 1]) = (1000, 1000 * Nf4.Boundaries[i]);
        }

        return numbers;
    }

    private static double ScaleSpread(float[] numbers)
    {
        float[] scales = [.. numbers.Chunk(64).Select(block => block.Max(Math.Abs))];
        float mean = (float)scales.Average(scale => (double)scale);
        return scales.Max(scale => Math.Abs(scale - mean));
    }

    // Word by word as the method is described, one number at a time.
    private static (int[] Codes, float[] Numbers) Reference(float[] numbers)
    {
        float[] scales = [.. numbers.Chunk(64).Select(block => block.Max(Math.Abs))];
        float mean = (float)(scales.Sum(scale => (double)scale) / scales.Length);
        float[] stored = [.. scales.Chunk(256).SelectMany(group =>
        {
            float largest = group.Max(scale => Math.Abs(scale - mean));
            return group.Select(scale => (Nearest(largest == 0 ? 0 : (scale - mean) / largest) * largest) + mean);
        })];
        int[] codes = [.. numbers.Select((number, i) => Nf4.Boundaries.ToArray().Count(boundary => number / scales[i / 64] > boundary))];
        return (codes, [.. codes.Select((code, i) => Nf4.Levels[code] * stored[i / 64])]);
    }

    private static float Nearest(float distance) => Nf4.ScaleLevels.ToArray().MinBy(level => Math.Abs(level - distance));
}
