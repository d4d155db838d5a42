namespace Hieno.Models.Tests;

public sealed class AdapterRoutingTests
{
    [Fact]
    public void A_batch_of_some_rows_keeps_what_belongs_to_them()
    {
        var batch = new TokenBatch([1, 2, 3, 4, 5, 6], [1, 3, 2]) { TokenTypes = [0, 1, 1, 0, 0, 1], GivenLengths = [1, 2, 1], TextStarts = [7, 8, 9] };
        TokenBatch part = batch.Only([0, 2], [0, 4, 5]);
        Assert.Equal([1, 5, 6], part.Ids);
        Assert.Equal([1, 2], part.Lengths);
        Assert.Equal([0, 0, 1], part.TokenTypes!);
        Assert.Equal([1, 1], part.GivenLengths!);
        Assert.Equal([7, 9], part.TextStarts!);
    }

    [Fact]
    public void A_batch_must_name_an_adapter_for_each_row_that_is_attached()
    {
        Backbone body = TinyModels.Create("gpt2").Backbone;
        var batch = new TokenBatch([1, 2, 3], [1, 2]);
        Assert.Null(AdapterRouting.Of(body, batch));
        Assert.Contains("names 1 adapters for 2 rows", Assert.Throws<ArgumentException>(() => body.Forward(batch.WithAdapters([null]))).Message, StringComparison.Ordinal);
        Assert.Contains("No adapter called 'x' is attached", Assert.Throws<ArgumentException>(() => body.Forward(batch.WithAdapters([null, "x"]))).Message, StringComparison.Ordinal);
    }
}
