using Hieno.Models;
using Hieno.Tensors;
using Hieno.Testing;
using Hieno.Tuning;

namespace Hieno.Tests.Tuning;

public sealed class OrthonormalColumnsTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(9, 1)]
    [InlineData(9, 4)]
    [InlineData(6, 6)]
    public void At_zero_it_is_the_start_and_anywhere_its_columns_are_orthonormal(int rows, int columns)
    {
        float[] start = OrthonormalColumns.Random(rows, columns, 3, "r");
        OrthonormalColumns matrix = Of(start, rows, columns, Initializer.Zeros);
        TensorAssert.Close(start, matrix.Compute(), absolute: 1e-6);
        TensorAssert.Close(start, Of(start, rows, columns, Initializer.Normal(1e-7f)).Compute(), absolute: 2e-6); // and is continuous there
        AssertOrthonormal(start, columns);
        AssertOrthonormal(Of(start, rows, columns, Initializer.Normal(2f)).Compute().ToArray(), columns);
    }

    [Fact]
    public void Gradients_are_those_of_central_differences()
    {
        OrthonormalColumns matrix = Of(OrthonormalColumns.Random(7, 3, 3, "r"), 7, 3, Initializer.Normal(0.5f));
        matrix.Parameter.Trainable = true;
        Tensor weights = Initializer.Normal(1f).Create([7, 3], 5, "w");
        GradientCheck.Verify(() => Ops.Sum(Ops.Mul(matrix.Compute(), weights)), ("x", matrix.Parameter.Value));
    }

    internal static void AssertOrthonormal(float[] q, int columns)
    {
        for (int a = 0; a < columns; a++)
        {
            for (int b = 0; b < columns; b++)
            {
                double sum = Enumerable.Range(0, q.Length / columns).Sum(i => (double)q[(i * columns) + a] * q[(i * columns) + b]);
                Assert.Equal(a == b ? 1 : 0, sum, 1e-5);
            }
        }
    }

    private static OrthonormalColumns Of(float[] start, int rows, int columns, Initializer x) =>
        new(start, rows, columns, new Parameter("x", x.Create([rows, columns], 4, "x")));
}
