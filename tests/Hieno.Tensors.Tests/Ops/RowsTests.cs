using static Hieno.Tensors.Ops;

namespace Hieno.Tensors.Tests.Ops;

public sealed class RowsTests
{
    [Fact]
    public void Picked_rows_are_copied_in_order()
    {
        Tensor x = TestTensors.Random([2, 3, 4], 1, gap: 5);
        float[] values = x.ToArray();
        Tensor y = Rows(x, [5, 0, 5]);
        Assert.Equal([3, 4], y.Shape);
        TestTensors.SameBits([.. values[20..], .. values[..4], .. values[20..]], y.ToArray());
    }

    [Fact]
    public void Gradients_equal_central_differences()
    {
        OpChecks.Gradient(inputs => Rows(inputs[0], [5, 0, 5]), [[2, 3, 4]]);
    }

    [Fact]
    public void Gradients_add_to_what_arrived_before()
    {
        Tensor x = TestTensors.Random([3, 4], 1, trained: true);
        TestTensors.CheckGradients(() => Add(Rows(x, [2, 2, 0]), x), x);
    }

    [Fact]
    public void The_array_may_be_reused_after_the_call()
    {
        Tensor x = TestTensors.Random([3, 2], 1, trained: true);
        int[] rows = [1];
        using (Tape tape = Tape.Begin())
        {
            Tensor y = Rows(x, rows);
            rows[0] = 2;
            tape.Backward(TestTensors.WeightedSum(y, [1, 2]));
        }

        Assert.Equal([0, 0, 1, 2, 0, 0], x.Grad!.ToArray());
    }

    [Theory]
    [InlineData(6)]
    [InlineData(-1)]
    public void A_row_that_does_not_exist_is_named(int row)
    {
        Tensor x = TestTensors.Random([2, 3, 4], 1);
        var e = Assert.Throws<ArgumentOutOfRangeException>(() => Rows(x, [0, row]));
        Assert.Contains($"row {row} was asked for at position 1, but x [2, 3, 4] has 6 rows", e.Message, StringComparison.Ordinal);
    }
}
