namespace Hieno.Tensors.Tests;

public sealed class TensorTests
{
    private readonly Tensor _x = Tensor.FromValues([2, 2, 3], [.. Enumerable.Range(0, 12)]);

    [Fact]
    public void Views_share_memory()
    {
        Tensor columns = _x.ColumnRange(1, 2);
        Assert.Equal([1f, 2f, 4f, 5f, 7f, 8f, 10f, 11f], columns.ToArray());
        Assert.Equal((4, 2, 3, false), (columns.Rows, columns.Columns, columns.RowStride, columns.IsContiguous));
        Assert.Equal([7f, 8f], columns.RowRange(2, 1).ToArray());
        Assert.Equal([6f, 7f, 8f], _x.RowRange(2, 1).ToArray());
        _x.View([12]).Span[7] = -1f;
        Assert.Equal(-1f, columns.Row(2)[0]);
    }

    [Fact]
    public void Views_outside_the_tensor_are_refused()
    {
        Assert.Throws<ShapeException>(() => _x.View([5]));
        Assert.Throws<ShapeException>(() => _x.ColumnRange(2, 2));
        Assert.Throws<ShapeException>(() => _x.ColumnRange(-1, 2));
        Assert.Throws<ShapeException>(() => _x.RowRange(3, 2));
        Assert.Throws<ShapeException>(() => _x.ColumnRange(0, 2).View([8]));
        Assert.Throws<InvalidOperationException>(() => _x.ColumnRange(0, 2).Span.Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => _x.Row(4).Length);
        Assert.Throws<ShapeException>(() => Tensor.FromValues([3], [1f]));
        Assert.Throws<ShapeException>(() => _x.Item());
    }

    [Theory]
    [InlineData(DType.BF16)]
    [InlineData(DType.F16)]
    public void Copies_convert_between_storage_types(DType dtype)
    {
        Tensor narrow = Tensor.CreateLongLived([2, 2, 3], dtype);
        _x.Backend.Copy(_x, narrow);
        Assert.Equal(_x.ToArray(), narrow.ToArray()); // small whole numbers are exact in both
        Tensor wide = Tensor.CreateLongLived([4, 9]);
        _x.Backend.Copy(narrow, wide.ColumnRange(4, 3));
        Assert.Equal([0, 0, 0, 0, 9, 10, 11, 0, 0], wide.RowRange(3, 1).ToArray());
        Assert.Throws<InvalidOperationException>(() => narrow.Span.Length);
        Assert.Throws<InvalidOperationException>(() => narrow.Row(0).Length);
    }

    [Fact]
    public void Filling_and_adding_leave_the_gaps_between_rows_alone()
    {
        Tensor wide = Tensor.CreateLongLived([2, 20]);
        wide.Backend.Fill(wide.ColumnRange(1, 18), 2f);
        wide.Backend.AddInto(wide.ColumnRange(1, 17), wide.ColumnRange(2, 17));
        float[] row = wide.RowRange(1, 1).ToArray();
        Assert.Equal((0f, 2f, 4f, 0f), (row[0], row[1], row[2], row[19]));
    }

    [Fact]
    public void Scalars_and_empty_tensors_have_rows()
    {
        Tensor scalar = Tensor.FromValues([], [3f]);
        Assert.Equal((1, 1, 3f), (scalar.Rows, scalar.Columns, scalar.Item()));
        Assert.Equal(0, Tensor.CreateLongLived([0, 3]).Rows);
        Assert.Equal(0, Tensor.CreateLongLived([3, 0]).Rows);
        Assert.Empty(Tensor.CreateLongLived([3, 0]).ToArray());
    }

    [Fact]
    public void The_text_tells_type_shape_and_gaps()
    {
        Tensor view = _x.ColumnRange(0, 2);
        view.NeedsGrad = true;
        Assert.Equal("F32[2, 2, 2] with row stride 3, needs gradient", view.ToString());
    }
}
