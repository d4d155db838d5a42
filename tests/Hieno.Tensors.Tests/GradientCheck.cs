namespace Hieno.Tensors.Tests;

/// <summary>Compares the gradients of an operation with central differences.</summary>
internal static class GradientCheck
{
    /// <summary>
    /// Checks d(Σ rᵢ·yᵢ) of y = <paramref name="operation"/>() for random r, with respect to every element of the leaves.
    /// The sum is taken in double precision, so that only the rounding of the operation itself disturbs the differences.
    /// </summary>
    /// <param name="operation">Computes y from the leaves; called many times.</param>
    /// <param name="leaves">Trainable 32-bit tensors in host memory; rows may lie apart.</param>
    /// <param name="step">Distance of the central difference.</param>
    /// <param name="tolerance">Allowed difference, relative to 1 + |gradient|.</param>
    public static void Run(Func<Tensor> operation, Tensor[] leaves, float step = 1e-2f, double tolerance = 2e-3)
    {
        float[] coefficients = [];
        using (Tape tape = Tape.Begin(backend: leaves[0].Backend))
        {
            Tensor y = operation();
            coefficients = TestTensors.Normal(y.Count, seed: 991);
            tape.Backward(WeightedSum(y, coefficients));
        }

        foreach (Tensor leaf in leaves)
        {
            Assert.NotNull(leaf.Grad);
            float[] gradient = leaf.Grad.ToArray();
            for (int i = 0; i < leaf.Count; i++)
            {
                int row = i / leaf.Columns;
                int column = i % leaf.Columns;
                float original = leaf.Row(row)[column];
                leaf.Row(row)[column] = original + step;
                double above = Value(operation, coefficients);
                leaf.Row(row)[column] = original - step;
                double below = Value(operation, coefficients);
                leaf.Row(row)[column] = original;
                double numeric = (above - below) / (2.0 * step);
                Assert.True(
                    Math.Abs(numeric - gradient[i]) <= tolerance * (1 + Math.Abs(numeric)),
                    $"Gradient {i} of {leaf}: backward gives {gradient[i]:R}, central difference {numeric:R}.");
            }
        }
    }

    /// <summary>Σ coefficientsᵢ · yᵢ as a recorded scalar.</summary>
    public static Tensor WeightedSum(Tensor y, float[] coefficients)
    {
        Tensor row = Hieno.Tensors.Ops.Reshape(y, [1, (int)y.Count]);
        Tensor weights = Tensor.CreateLongLived([1, (int)y.Count], DType.F32, y.Backend);
        coefficients.CopyTo(weights.Span);
        return Hieno.Tensors.Ops.Linear(row, weights);
    }

    private static double Value(Func<Tensor> operation, float[] coefficients)
    {
        using Tape tape = Tape.Begin(record: false);
        float[] y = operation().ToArray();
        double sum = 0;
        for (int i = 0; i < y.Length; i++)
        {
            sum += (double)coefficients[i] * y[i];
        }

        return sum;
    }
}
