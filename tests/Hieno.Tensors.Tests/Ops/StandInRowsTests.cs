using static Hieno.Tensors.Ops;

namespace Hieno.Tensors.Tests.Ops;

public sealed class StandInRowsTests
{
    [Theory]
    [InlineData(new[] { 2, 1 })]
    [InlineData(new[] { 1, 1 })]
    [InlineData(new[] { 1 })]
    public void Each_row_needs_an_id_and_ids_rise(int[] ids) =>
        Assert.Throws<ArgumentException>(() => new StandInRows(TestTensors.Random([2, 4], 1), ids));

    [Theory]
    [InlineData(4, new[] { 1, 7 })]
    [InlineData(4, new[] { -1, 2 })]
    [InlineData(3, new[] { 1, 2 })]
    public void Rows_that_the_matrix_does_not_have_are_refused(int columns, int[] ids) =>
        Assert.Throws<ShapeException>(() => LinearCrossEntropy(
            TestTensors.Random([2, 4], 1), TestTensors.Random([7, 4], 2), null, [0, 1], standIn: new StandInRows(TestTensors.Random([2, columns], 3), ids)));

    [Fact]
    public void No_rows_change_nothing()
    {
        (Tensor hidden, Tensor weight) = (TestTensors.Random([2, 4], 1), TestTensors.Random([7, 4], 2));
        Assert.Equal(LinearCrossEntropy(hidden, weight, null, [0, 1]).Item(), LinearCrossEntropy(hidden, weight, null, [0, 1], standIn: new StandInRows(Tensor.CreateLongLived([0, 4]), [])).Item());
    }
}
