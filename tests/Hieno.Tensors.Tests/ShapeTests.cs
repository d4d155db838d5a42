namespace Hieno.Tensors.Tests;

public sealed class ShapeTests
{
    [Fact]
    public void A_shape_knows_its_rank_count_and_text()
    {
        Shape shape = [2, 3, 4];
        Assert.Equal((3, 24L, 4, "[2, 3, 4]"), (shape.Rank, shape.Count, shape[^1], shape.ToString()));
        Assert.Equal("[2, 3, 7]", shape.WithLast(7).ToString());
        Assert.Equal(9, shape.AsSpan().ToArray().Sum());
        Assert.Equal(100_000L * 100_000, Of(100_000, 100_000).Count);
    }

    [Fact]
    public void The_default_shape_is_a_scalar()
    {
        Assert.Equal((0, 1L, "[]"), (default(Shape).Rank, default(Shape).Count, default(Shape).ToString()));
        Assert.Equal(default, Of());
    }

    [Fact]
    public void Equality_compares_extents()
    {
        Assert.True(Of(2, 3) == Of(2, 3));
        Assert.True(Of(2, 3) != Of(3, 2));
        Assert.False(Of(6).Equals((object)"[6]"));
        Assert.Equal(Of(2, 3).GetHashCode(), Of(2, 3).GetHashCode());
    }

    [Fact]
    public void A_negative_extent_is_refused() => Assert.Throws<ArgumentOutOfRangeException>(() => Of(2, -1));

    private static Shape Of(params ReadOnlySpan<int> dims) => Shape.Create(dims);
}
