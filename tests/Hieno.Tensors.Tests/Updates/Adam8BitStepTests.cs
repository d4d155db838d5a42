using Hieno.Tensors.Cpu;
using Hieno.Testing;
using static Hieno.Tensors.Tests.OpChecks;
using static Hieno.Tensors.Updates;

namespace Hieno.Tensors.Tests.Updates;

public sealed class Adam8BitStepTests
{
    private const int Count = 3 * QuantizedTensor.BlockSize + 77;

    [Fact]
    public void The_first_step_is_that_of_32_bits()
    {
        (Tensor w, Tensor grad) = (Normal([Count], 1), Normal([Count], 2));
        Tensor expected = Tensor.FromValues([Count], w.ToArray());
        var settings = new AdamSettings { WeightDecay = 0.1, Decoupled = true };
        Adam8BitStep(w, grad, Zeros(), Zeros(), settings);
        AdamStep(expected, grad, Tensor.CreateLongLived([Count]), Tensor.CreateLongLived([Count]), null, settings);
        TensorAssert.Identical(expected.ToArray(), w);
    }

    // 0.71 % of the block's largest number everywhere, and 7.1 % of a number in the upper decade; half of that without a sign.
    [Fact]
    public void After_a_step_the_means_are_those_of_32_bits_within_the_gaps_between_codes()
    {
        (Tensor w, Tensor grad) = (Normal([Count], 1), Normal([Count], 2));
        (QuantizedTensor m, QuantizedTensor v) = (Zeros(), Zeros());
        (Tensor m32, Tensor v32) = (Tensor.CreateLongLived([Count]), Tensor.CreateLongLived([Count]));
        Adam8BitStep(w, grad, m, v, new AdamSettings());
        AdamStep(w, grad, m32, v32, null, new AdamSettings());
        AssertNear(m32, m, DynamicMap.Signed, ofLargest: 0.9 / 64 / 2);
        AssertNear(v32, v, DynamicMap.Unsigned, ofLargest: 0.9 / 128 / 2);
    }

    [Fact]
    public void Forty_steps_stay_near_those_of_32_bits()
    {
        (Tensor w, Tensor w32) = (Normal([Count], 1), Normal([Count], 1));
        float[] start = w.ToArray();
        (QuantizedTensor m, QuantizedTensor v) = (Zeros(), Zeros());
        (Tensor m32, Tensor v32) = (Tensor.CreateLongLived([Count]), Tensor.CreateLongLived([Count]));
        for (int t = 1; t <= 40; t++)
        {
            Tensor grad = Normal([Count], (ulong)t % 3);
            var settings = new AdamSettings { LearningRate = 0.01, Step = t, Decoupled = true };
            Adam8BitStep(w, grad, m, v, settings);
            AdamStep(w32, grad, m32, v32, null, settings);
        }

        (float[] a, float[] b) = (w.ToArray(), w32.ToArray());
        double moved = Math.Sqrt(b.Zip(start, (x, y) => (double)(x - y) * (x - y)).Sum());
        double apart = Math.Sqrt(a.Zip(b, (x, y) => (double)(x - y) * (x - y)).Sum());
        Assert.InRange(apart / moved, 1e-6, 0.03);
    }

    // One weight's gradient is 10⁻⁶ of its block's largest: rounded to 0, its next step would divide by ε alone.
    [Fact]
    public void A_second_mean_above_0_never_becomes_0()
    {
        float[] gradient = [.. Enumerable.Range(0, QuantizedTensor.BlockSize).Select(i => i == 7 ? 1e-6f : 1f)];
        Tensor w = Tensor.CreateLongLived([QuantizedTensor.BlockSize]);
        (QuantizedTensor m, QuantizedTensor v) = (Zeros(QuantizedTensor.BlockSize), Zeros(QuantizedTensor.BlockSize));
        for (int t = 1; t <= 5; t++)
        {
            float before = w.ToArray()[7];
            Adam8BitStep(w, Tensor.FromValues([QuantizedTensor.BlockSize], gradient), m, v, new AdamSettings { LearningRate = 0.01, Step = t, Decoupled = true });
            Assert.True(Math.Abs(w.ToArray()[7] - before) <= 0.0101, $"step {t} moved the weight by {w.ToArray()[7] - before}");
        }

        Assert.NotEqual(DynamicMap.Unsigned.Zero, v.Codes.ToArray()[7]);
    }

    [Fact]
    public void All_vector_widths_and_thread_counts_agree_bit_for_bit()
    {
        float[]? first = null;
        foreach ((int threads, SimdWidth width) in Widths.Select(width => (1, width)).Concat([(2, Widths[^1]), (8, Widths[^1])]))
        {
            using var backend = new CpuBackend(threads, width);
            Tensor w = Normal([70_003], 1, backend: backend);
            (QuantizedTensor m, QuantizedTensor v) = (Zeros(70_003, backend), Zeros(70_003, backend));
            for (int t = 1; t <= 3; t++)
            {
                Adam8BitStep(w, Normal([70_003], (ulong)t + 1, backend: backend), m, v, new AdamSettings { Step = t, WeightDecay = 0.1 });
            }

            float[] results = [.. w.ToArray(), .. m.Codes.ToArray(), .. m.Scales.ToArray(), .. v.Codes.ToArray(), .. v.Scales.ToArray()];
            first ??= results;
            TensorAssert.Identical(first, Tensor.FromValues([results.Length], results));
        }
    }

    [Fact]
    public void Means_take_little_more_than_two_bytes_a_weight()
    {
        QuantizedTensor m = Zeros(1 << 20);
        Assert.Equal(1 << 20, m.Codes.Storage.ByteLength);
        Assert.Equal((1 << 20) / 64, m.Scales.Storage.ByteLength);
    }

    [Fact]
    public void Codes_of_another_type_or_number_of_blocks_are_refused()
    {
        Tensor w = Normal([Count], 1);
        var numbers = new QuantizedTensor(Tensor.CreateLongLived([Count]), Zeros().Scales);
        Assert.Equal("Adam8BitStep: the codes of m are stored as F32, expected U8. (Parameter 'm')", Assert.Throws<ArgumentException>(() => Adam8BitStep(w, w, numbers, Zeros(), new AdamSettings())).Message);
        var short_ = new QuantizedTensor(Zeros().Codes, Tensor.CreateLongLived([3]));
        Assert.Throws<ShapeException>(() => Adam8BitStep(w, w, Zeros(), short_, new AdamSettings()));
        Assert.Contains("codes", Assert.Throws<ArgumentException>(() => Hieno.Tensors.Ops.Linear(Normal([1, 4], 1), Tensor.CreateLongLived([2, 4], DType.U8))).Message, StringComparison.Ordinal);
    }

    private static QuantizedTensor Zeros(int count = Count, Backend? backend = null) =>
        new(Tensor.CreateLongLived([count], DType.U8, backend), Tensor.CreateLongLived([QuantizedTensor.BlocksOf(count)], backend: backend));

    private static unsafe void AssertNear(Tensor expected, QuantizedTensor quantized, DynamicMap map, double ofLargest)
    {
        (float[] numbers, float[] codes, float[] scales) = (expected.ToArray(), quantized.Codes.ToArray(), quantized.Scales.ToArray());
        for (int i = 0; i < numbers.Length; i++)
        {
            double scale = scales[i / QuantizedTensor.BlockSize];
            double value = map.Values[(int)codes[i]] * scale;
            double error = Math.Abs(value - numbers[i]);
            Assert.True(error <= (ofLargest + 1e-6) * scale, $"[{i}]: {value}, expected {numbers[i]} in a block of {scale}");
            bool isInUpperDecade = Math.Abs(numbers[i]) > 0.1 * scale;
            Assert.True(!isInUpperDecade || error <= 10.001 * ofLargest * Math.Abs(numbers[i]), $"[{i}]: {value}, expected {numbers[i]}");
        }
    }
}
