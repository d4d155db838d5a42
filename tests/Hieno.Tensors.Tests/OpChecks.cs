using Hieno.Tensors.Cpu;
using Hieno.Testing;

namespace Hieno.Tensors.Tests;

/// <summary>What every operation must satisfy: right gradients, and the same results for any vector width and number of threads.</summary>
internal static class OpChecks
{
    public static SimdWidth[] Widths { get; } = [.. Enum.GetValues<SimdWidth>().Where(width => width <= CpuBackend.Widest)];

    /// <summary>A long-lived tensor of normally distributed numbers.</summary>
    public static Tensor Normal(Shape shape, ulong seed, float mean = 0f, float std = 1f, Backend? backend = null)
    {
        float[] values = new float[shape.Count];
        new Rng(seed, RngStream.Initialization).FillNormal(values, mean, std, step: 7);
        Tensor tensor = Tensor.CreateLongLived(shape, DType.F32, backend);
        tensor.Backend.CopyFromHost(values, tensor);
        return tensor;
    }

    /// <summary>The numbers of <see cref="Normal"/> as columns 3 to 3 + C of rows with C + 5 columns.</summary>
    public static Tensor NormalWithGaps(Shape shape, ulong seed, Backend? backend = null)
    {
        Tensor dense = Normal(shape, seed, backend: backend);
        Tensor wide = Normal(shape.WithLast(shape[^1] + 5), seed + 1000, backend: backend);
        Tensor view = wide.ColumnRange(3, shape[^1]);
        for (int row = 0; row < view.Rows; row++)
        {
            dense.Row(row).CopyTo(view.Row(row));
        }

        return view;
    }

    public static double[] ToDoubles(this Tensor tensor) => Array.ConvertAll(tensor.ToArray(), value => (double)value);

    /// <summary>Gradients against central differences: with contiguous inputs, and with inputs that are column parts of wider tensors.</summary>
    public static void Gradient(Func<Tensor[], Tensor> op, Shape[] shapes, GradientCheckOptions? options = null)
    {
        Tensor[] inputs = [.. shapes.Select((shape, i) => Normal(shape, (ulong)i + 1))];
        (string, Tensor)[] named = [.. inputs.Select((input, i) => ($"input {i}", input))];
        GradientCheck.Verify(options ?? new GradientCheckOptions(), () => op(inputs), named);

        // The first input alone becomes a part: the others are usually weights.
        Tensor wide = Normal(shapes[0].WithLast(shapes[0][^1] + 5), 99);
        named[0] = ("wide input 0", wide);
        GradientCheck.Verify(
            options ?? new GradientCheckOptions(),
            () =>
            {
                Tensor[] parts = Hieno.Tensors.Ops.Split(Hieno.Tensors.Ops.Scale(wide, 1f), 3, shapes[0][^1], 2);
                return op([parts[1], .. inputs[1..]]);
            },
            named);
    }

    /// <summary>Each vector width gives the numbers of the scalar twin, up to the order of summation.</summary>
    public static void AllWidthsAgree(Func<Tensor[], Tensor> op, Shape[] shapes, double absolute = 2e-6, double relative = 2e-6)
    {
        float[]? scalar = null;
        foreach (SimdWidth width in Widths)
        {
            using var backend = new CpuBackend(threads: 1, width);
            float[] results = ForwardAndBackward(backend, op, shapes);
            scalar ??= results;
            TensorAssert.Close(scalar, Tensor.FromValues([results.Length], results), absolute, relative);
        }
    }

    /// <summary>1, 2, 3 and 8 threads give the same bits.</summary>
    public static void AllThreadCountsAgree(Func<Tensor[], Tensor> op, params Shape[] shapes)
    {
        float[]? single = null;
        foreach (int threads in (int[])[1, 2, 3, 8])
        {
            using var backend = new CpuBackend(threads);
            float[] results = ForwardAndBackward(backend, op, shapes);
            single ??= results;
            TensorAssert.Identical(single, Tensor.FromValues([results.Length], results));
        }
    }

    /// <summary>The result of <paramref name="op"/> and the gradients of all inputs, one after the other.</summary>
    public static float[] ForwardAndBackward(CpuBackend backend, Func<Tensor[], Tensor> op, Shape[] shapes)
    {
        Tensor[] inputs = [.. shapes.Select((shape, i) => Normal(shape, (ulong)i + 1, backend: backend))];
        foreach (Tensor input in inputs)
        {
            input.NeedsGrad = true;
        }

        var source = new DropoutSource(new Rng(5, RngStream.Dropout), pass: 3);
        using var tape = Tape.Begin(dropout: source, backend: backend);
        Tensor y = op(inputs);
        float[] values = y.ToArray();
        tape.Backward(Hieno.Tensors.Ops.Sum(Hieno.Tensors.Ops.Mul(y, Normal(y.Shape, 77, backend: backend))));
        return [.. values, .. inputs.SelectMany(input => input.Grad!.ToArray())];
    }
}
