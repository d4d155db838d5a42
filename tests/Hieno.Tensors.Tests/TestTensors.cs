using Hieno.Tensors.Cpu;
using Hieno.Testing;

namespace Hieno.Tensors.Tests;

/// <summary>Tensors of reproducible random numbers, and the backends that tests compare.</summary>
internal static class TestTensors
{
    private static readonly CpuBackend[] s_teams = [new(1), new(2), new(3), new(8)];

    /// <summary>One backend for each vector width this processor has, widest last.</summary>
    public static IReadOnlyList<CpuBackend> Widths { get; } =
        [.. Enum.GetValues<SimdWidth>().Where(width => width <= CpuBackend.Widest).Select(width => new CpuBackend(2, width))];

    /// <summary>Backends of 1, 2, 3 and 8 threads.</summary>
    public static IReadOnlyList<CpuBackend> Teams => s_teams;

    /// <summary>Numbers from N(0, 1); the same for the same seed.</summary>
    public static float[] Normal(long count, ulong seed)
    {
        float[] values = new float[count];
        new Rng(seed, RngStream.Initialization).FillNormal(values, 0f, 1f, step: 0);
        return values;
    }

    /// <summary>A long-lived random tensor; <paramref name="gap"/> unused numbers, all NaN, lie between its rows.</summary>
    public static Tensor Random(Shape shape, ulong seed, CpuBackend? backend = null, int gap = 0, bool trained = false) =>
        Of(shape, Normal(shape.Count, seed), DType.F32, backend, gap, trained);

    /// <summary>A long-lived random tensor of any storage type.</summary>
    public static Tensor Random(Shape shape, ulong seed, DType dtype, CpuBackend? backend = null) =>
        dtype == DType.NF4 ? Quantized(Random(shape, seed, backend)) : Of(shape, Normal(shape.Count, seed), dtype, backend, 0, false);

    /// <summary>The same numbers in 4 bits.</summary>
    public static Tensor Quantized(Tensor source)
    {
        Tensor quantized = Tensor.CreateLongLived(source.Shape, DType.NF4, source.Backend);
        source.Backend.Copy(source, quantized);
        return quantized;
    }

    public static unsafe Tensor Of(Shape shape, float[] values, DType dtype, CpuBackend? backend, int gap, bool trained)
    {
        int columns = shape[^1];
        int rows = checked((int)(shape.Count / Math.Max(1, columns)));
        int stride = columns + gap;
        Tensor memory = Tensor.CreateLongLived([Math.Max(1, rows), Math.Max(1, stride)], dtype, backend);
        for (int r = 0; r < rows; r++)
        {
            for (int c = 0; c < stride; c++)
            {
                float value = c < columns ? values[(r * columns) + c] : float.NaN;
                int index = (r * stride) + c;
                switch (dtype)
                {
                    case DType.F32:
                        ((float*)memory.Pointer)[index] = value;
                        break;
                    case DType.BF16:
                        ((ushort*)memory.Pointer)[index] = DTypes.ToBF16(value);
                        break;
                    default:
                        ((ushort*)memory.Pointer)[index] = DTypes.ToF16(value);
                        break;
                }
            }
        }

        return new Tensor(memory.Storage, shape, dtype, 0, stride) { NeedsGrad = trained };
    }

    /// <summary>Asserts that all numbers agree within <paramref name="tolerance"/> · (1 + |expected|).</summary>
    public static void Close(IReadOnlyList<double> expected, IReadOnlyList<float> actual, double tolerance)
    {
        Assert.Equal(expected.Count, actual.Count);
        for (int i = 0; i < actual.Count; i++)
        {
            double difference = Math.Abs(expected[i] - actual[i]);
            Assert.True(difference <= tolerance * (1 + Math.Abs(expected[i])), $"Element {i} is {actual[i]:R}, expected {expected[i]:R}.");
        }
    }

    /// <summary>Asserts that all numbers are the same, bit by bit.</summary>
    public static void SameBits(float[] expected, float[] actual) =>
        Assert.Equal(Array.ConvertAll(expected, BitConverter.SingleToInt32Bits), Array.ConvertAll(actual, BitConverter.SingleToInt32Bits));

    /// <summary>Checks the gradients of every leaf against difference quotients.</summary>
    public static void CheckGradients(Func<Tensor> operation, params Tensor[] leaves) =>
        GradientCheck.Verify(operation, [.. leaves.Select((leaf, i) => ($"leaf {i}", leaf))]);

    /// <summary>Σ coefficientsᵢ · yᵢ as a recorded scalar.</summary>
    public static Tensor WeightedSum(Tensor y, float[] coefficients) =>
        Hieno.Tensors.Ops.Sum(Hieno.Tensors.Ops.Mul(y, Tensor.FromValues(y.Shape, coefficients, y.Backend)));

    public static double[] Double(float[] values) => Array.ConvertAll(values, value => (double)value);
}
