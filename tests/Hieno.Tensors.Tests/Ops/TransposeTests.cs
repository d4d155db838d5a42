using static Hieno.Tensors.Ops;

namespace Hieno.Tensors.Tests.Ops;

public sealed class TransposeTests
{
    [Theory]
    [InlineData(2, 3)]
    [InlineData(1, 40)]
    [InlineData(37, 18)]
    [InlineData(16, 32)]
    public void Rows_become_columns(int rows, int columns)
    {
        Tensor x = TestTensors.Random([rows, columns], 1, gap: 5);
        float[] values = x.ToArray();
        Tensor y = Transpose(x);
        Assert.Equal([columns, rows], y.Shape);
        float[] actual = y.ToArray();
        for (int i = 0; i < values.Length; i++)
        {
            Assert.Equal(values[i], actual[((i % columns) * rows) + (i / columns)]);
        }
    }

    [Fact]
    public void A_16_bit_matrix_is_expanded()
    {
        Tensor x = Tensor.CreateLongLived([2, 2], DType.BF16);
        x.Backend.Copy(Tensor.FromValues([2, 2], [1, 2, 3, -0.5f]), x);
        Assert.Equal([1, 3, 2, -0.5f], Transpose(x).ToArray());
    }

    [Fact]
    public void Gradients_equal_central_differences() => OpChecks.Gradient(inputs => Transpose(inputs[0]), [[5, 3]]);

    [Fact]
    public void Gradients_add_to_what_arrived_before()
    {
        Tensor x = TestTensors.Random([3, 3], 1, trained: true);
        TestTensors.CheckGradients(() => Add(Transpose(x), x), x);
    }

    [Fact]
    public void Anything_but_a_matrix_is_refused() => Assert.Throws<ShapeException>(() => Transpose(TestTensors.Random([2, 3, 4], 1)));
}
