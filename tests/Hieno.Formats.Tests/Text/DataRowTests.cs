using Hieno.Formats.Text;

namespace Hieno.Formats.Tests.Text;

public sealed class DataRowTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Columns_of_the_wrong_kind_are_named_with_their_row()
    {
        var row = DataFile.Read(_folder.Write("a.jsonl", """{"text":"x","score":"1.5","n":2,"big":"1e999","flag":true}""")).Single();
        Assert.Equal(("x", 1.5, 2.0), (row.Text("text"), row.Number("score"), row.Number("n")));

        Assert.Equal(ErrorCodes.DatasetColumnMissing, Assert.Throws<DatasetException>(() => row.Text("label")).Code);
        var error = Assert.Throws<DatasetException>(() => row.Text("flag"));
        Assert.Equal((ErrorCodes.DatasetColumnType, 1L), (error.Code, error.Line));
        Assert.EndsWith("a.jsonl, line 1: 'flag' is true, expected text. Correct the row, or name another column.", error.Message, StringComparison.Ordinal);
        Assert.Throws<DatasetException>(() => row.Number("text"));
        Assert.Throws<DatasetException>(() => row.Number("big"));
        Assert.Throws<DatasetException>(() => row.Number("flag"));
    }

    [Fact]
    public void An_unknown_extension_is_refused_with_the_known_ones()
    {
        var error = Assert.Throws<DatasetException>(() => DataFile.Read("train.xlsx"));
        Assert.Contains(".jsonl", error.Message, StringComparison.Ordinal);
    }
}
