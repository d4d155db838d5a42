using Hieno.Data;
using Hieno.Formats.Text;

namespace Hieno.Tests.Data;

public sealed class DataSplitTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string _train;

    public DataSplitTests() => _train = File("train.jsonl", 0, 40);

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("10%", 4)]
    [InlineData("2.5%", 1)]
    [InlineData("0.1%", 1)] // a share that was asked for is never nothing
    [InlineData("7", 7)]
    public void A_share_or_a_number_of_the_training_rows_is_held_out(string validation, int held)
    {
        DataSplit split = Read(validation, seed: 1);
        Assert.Equal(held, split.Validation.Count);
        Assert.Equal(Enumerable.Range(0, 40), split.Train.Concat(split.Validation).Select(Number).Order());
        Assert.Equal(split.Train.Select(Number).Order(), split.Train.Select(Number)); // the order of the file is kept
    }

    [Fact]
    public void The_seed_decides_which_rows_are_held_out_and_which_a_limit_takes()
    {
        DataSplit first = Read("25%", seed: 1, limit: 5);
        Assert.Equal(5, first.Train.Count);
        Assert.Equal(10, first.Validation.Count);
        Assert.Empty(first.Train.Select(Number).Intersect(first.Validation.Select(Number)));
        DataSplit again = Read("25%", seed: 1, limit: 5);
        Assert.Equal(first.Train.Select(Number), again.Train.Select(Number));
        Assert.Equal(first.Validation.Select(Number), again.Validation.Select(Number));
        DataSplit other = Read("25%", seed: 2, limit: 5);
        Assert.NotEqual(first.Train.Select(Number), other.Train.Select(Number));
        Assert.NotEqual(first.Validation.Select(Number), other.Validation.Select(Number));
        Assert.Equal(first.Validation.Select(Number), Read("25%", seed: 1).Validation.Select(Number)); // whatever the limit
    }

    [Fact]
    public void Files_are_read_in_order_and_told_apart_by_their_content()
    {
        string more = File("more.jsonl", 40, 2);
        string test = File("test.jsonl", 50, 3);
        var options = new DataOptions { Train = [_train, more], Validation = File("validation.jsonl", 60, 1), Test = test };
        DataSplit split = DataSplit.Read(options, seed: 1);
        Assert.Equal(Enumerable.Range(0, 42), split.Train.Select(Number));
        Assert.Equal([60], split.Validation.Select(Number));
        Assert.Equal([50, 51, 52], split.Test.Select(Number));
        Assert.Equal(64, split.Hash.Length);
        Assert.Equal(split.Hash, DataSplit.Read(options, seed: 2).Hash);
        File("test.jsonl", 50, 4);
        Assert.NotEqual(split.Hash, DataSplit.Read(options, seed: 1).Hash);
    }

    [Theory]
    [InlineData("40", "holds out 40 of 40 rows")]
    [InlineData("99%", "holds out 40 of 40 rows")]
    [InlineData("0", "0 rows are none to hold out")]
    [InlineData("-3", "-3 rows are none to hold out")]
    [InlineData("100%", "100% is not between")]
    [InlineData("0%", "0% is not between")]
    [InlineData("NaN%", "NaN% is not between")]
    [InlineData("missing.jsonl", "missing.jsonl")]
    public void What_leaves_nothing_is_refused(string validation, string message) =>
        Assert.Contains(message, Assert.Throws<DatasetException>(() => Read(validation, seed: 1)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_file_without_rows_is_refused()
    {
        string empty = _folder.Write("empty.jsonl", "\n\n");
        Assert.Contains("empty.jsonl", Assert.Throws<DatasetException>(() => DataSplit.ReadFile(empty)).Message, StringComparison.Ordinal);
    }

    private static int Number(DataRow row) => (int)row.Number("n");

    private DataSplit Read(string? validation, ulong seed, int? limit = null) => DataSplit.Read(new DataOptions { Train = [_train], Validation = validation, Limit = limit }, seed);

    private string File(string name, int first, int count) => _folder.Write(name, string.Join('\n', Enumerable.Range(first, count).Select(n => $$"""{"n": {{n}}}""")));
}
