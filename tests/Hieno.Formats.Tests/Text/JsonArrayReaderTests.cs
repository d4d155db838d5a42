using Hieno.Formats.Text;

namespace Hieno.Formats.Tests.Text;

public sealed class JsonArrayReaderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Rows_of_an_array_know_the_line_they_begin_at()
    {
        var rows = Read("\uFEFF[\n  {\"a\": 1,\n   \"b\": 2}, {\"a\": 3},\n\n  {\"a\": 4}\n]\n");
        Assert.Equal([1.0, 3, 4], rows.Select(row => row.Number("a")));
        Assert.Equal([2, 3, 5], rows.Select(row => row.Line));
        Assert.Empty(Read("[]"));
    }

    [Fact]
    public void A_file_of_json_lines_under_the_wrong_extension_is_read()
    {
        Assert.Equal(2, Read("\n{\"a\":1}\n{\"a\":2}\n").Count);
    }

    [Theory]
    [InlineData(ErrorCodes.DatasetRowNotJson, 1, 0, "")]
    [InlineData(ErrorCodes.DatasetRowNotJson, 1, 0, "\"rows\"")]
    [InlineData(ErrorCodes.DatasetRowNotJson, 2, 3, "[{\"a\":1},\n  7]")]
    [InlineData(ErrorCodes.DatasetRowNotJson, 2, 8, "[{\"a\":1},\n {\"a\": }]")]
    [InlineData(ErrorCodes.DatasetRowNotJson, 1, 12, "[{\"a\":1}] \n x")]
    [InlineData(ErrorCodes.DatasetDuplicateColumn, 3, 2, "[{\"a\":1},\n {\"a\":1,\n \"a\":2}]")]
    [InlineData(ErrorCodes.DatasetDuplicateColumn, 2, 9, "[{\"a\":1},\n {\"a\":1,\"a\":2}]")]
    public void A_malformed_file_is_refused_with_line_and_byte(string code, long line, long column, string text)
    {
        var error = Assert.Throws<DatasetException>(() => Read(text));
        Assert.Equal(code, error.Code);
        if (text != "" && !text.EndsWith('x'))
        {
            Assert.Equal((line, column), (error.Line, error.Column));
        }
    }

    private List<DataRow> Read(string text) => [.. JsonArrayReader.Read(_folder.Write("rows.json", text))];
}
