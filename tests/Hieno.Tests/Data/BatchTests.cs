using Hieno.Data;

namespace Hieno.Tests.Data;

public sealed class BatchTests
{
    [Fact]
    public void Rows_lie_end_to_end_with_their_types()
    {
        var first = new Example { Ids = [1, 2, 3], Source = "a" };
        var second = new Example { Ids = [4, 5], TokenTypes = [0, 1], Source = "b" };
        var batch = new Batch([first, second]);
        Assert.Equal([1, 2, 3, 4, 5], batch.Tokens.Ids);
        Assert.Equal([3, 2], batch.Tokens.Lengths);
        Assert.Equal([0, 0, 0, 0, 1], batch.Tokens.TokenTypes!);
        Assert.Null(new Batch([first]).Tokens.TokenTypes);
        Assert.Equal(0, batch.TargetWeight());
    }

    [Fact]
    public void Only_labelled_places_count_each_by_its_weight()
    {
        var row = new Example { Ids = [1, 2, 3, 4], Source = "a" };
        Assert.Equal(2, new Batch([row], row.Ids, [7, Example.Ignore, 8, Example.Ignore]).TargetWeight());
        Assert.Equal(0.75, new Batch([row], row.Ids, [7, Example.Ignore, 8, Example.Ignore], [0.5f, 9, 0.25f, 9]).TargetWeight());
    }
}
