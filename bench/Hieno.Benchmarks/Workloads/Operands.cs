using Hieno.Tensors;

namespace Hieno.Benchmarks.Workloads;

/// <summary>Operands that both sides make alike, so that their results can be compared. <c>bench/peers/kernels.py</c> has the twin.</summary>
internal static class Operands
{
    private const int Chunk = 1 << 16;

    /// <summary>A long-lived tensor of numbers that look random, uniform in [−1, 1) times <paramref name="scale"/>.</summary>
    public static Tensor Create(Shape shape, int seed, float scale = 1f, DType dtype = DType.F32)
    {
        float[] values = new float[shape.Count];
        Parallel.For(0, (values.Length + Chunk - 1) / Chunk, chunk =>
        {
            for (int i = chunk * Chunk; i < Math.Min(values.Length, (chunk + 1) * Chunk); i++)
            {
                values[i] = Number((uint)i, (uint)seed) * scale;
            }
        });
        Tensor tensor = Tensor.CreateLongLived(shape, dtype);
        using (Tape.Begin(record: false))
        {
            tensor.Backend.Copy(Tensor.FromValues(shape, values), tensor);
        }

        return tensor;
    }

    /// <summary>The mean magnitude of each result's elements, summed over the results: no element can be wrong in size, or be left out, without moving it.</summary>
    public static double MeanMagnitude(params ReadOnlySpan<Tensor> results)
    {
        double sum = 0;
        foreach (Tensor result in results)
        {
            sum += result.ToArray().Average(value => (double)Math.Abs(value));
        }

        return sum;
    }

    // Multiply, mix the high bits down, multiply: enough to have no pattern along a row or a column.
    private static float Number(uint index, uint seed)
    {
        uint bits = (index + (seed * 0x9E3779B9)) * 0x9E3779B1;
        bits ^= bits >> 15;
        bits *= 0x85EBCA77;
        bits ^= bits >> 13;
        return (float)((bits / 2147483648.0) - 1);
    }
}
