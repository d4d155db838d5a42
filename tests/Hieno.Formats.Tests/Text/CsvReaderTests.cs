using Hieno.Formats.Text;

namespace Hieno.Formats.Tests.Text;

public sealed class CsvReaderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Quoted_fields_may_hold_delimiters_quotes_and_line_ends()
    {
        var rows = Read("text,label\r\n\"a, \"\"b\"\"\r\nc\",1\r\n\r\nplain \"x\" é,\n\"\",\" 3 \"");
        Assert.Equal(["a, \"b\"\r\nc", "plain \"x\" é", ""], rows.Select(row => row.Text("text")));
        Assert.Equal(["1", "", " 3 "], rows.Select(row => row.Text("label")));
        Assert.Equal([2, 5, 6], rows.Select(row => row.Line));
    }

    [Fact]
    public void A_tsv_file_is_split_at_tabs()
    {
        var rows = CsvReader.Read(_folder.Write("a.TSV", "\uFEFFa\tb\nx,y\t2\n")).ToList();
        Assert.Equal(("x,y", 2.0), (rows[0].Text("a"), rows[0].Number("b")));
    }

    [Fact]
    public void Columns_delimiter_and_quoting_can_be_given()
    {
        var rows = CsvReader.Read(_folder.Write("a.csv", "\"1\";2\n"), new CsvOptions { Columns = ["p", "q"], Delimiter = ';', Quotes = false }).ToList();
        Assert.Equal(("\"1\"", "2"), (rows.Single().Text("p"), rows[0].Text("q")));
        Assert.Throws<ArgumentException>(() => CsvReader.Read("x.csv", new CsvOptions { Delimiter = '"' }));
        Assert.Throws<ArgumentException>(() => CsvReader.Read("x.csv", new CsvOptions { Delimiter = '–' }));
    }

    [Theory]
    [InlineData(ErrorCodes.DatasetEmpty, 0, 0, "")]
    [InlineData(ErrorCodes.DatasetRaggedRow, 3, 0, "a,b\n1,2\n1\n")]
    [InlineData(ErrorCodes.DatasetRaggedRow, 2, 0, "a,b\n1,2,3\n")]
    [InlineData(ErrorCodes.DatasetDuplicateColumn, 1, 0, "a,b,a\n1,2,3\n")]
    [InlineData(ErrorCodes.DatasetQuoteInvalid, 3, 3, "a,b\n1,2\n1,\"2\n3\n")]
    [InlineData(ErrorCodes.DatasetQuoteInvalid, 3, 3, "a,b\n\"1\n2\"x,3\n")]
    public void A_malformed_file_is_refused_with_line_and_byte(string code, long line, long column, string text)
    {
        var error = Assert.Throws<DatasetException>(() => Read(text));
        Assert.Equal((code, line, column), (error.Code, error.Line, error.Column));
    }

    [Fact]
    public void Bytes_that_are_not_utf8_are_found_by_line_and_byte()
    {
        string path = _folder.Write("a.csv", [.. "a,b\n1,\"x\né"u8, 0xFF, .. "\"\n"u8]);
        var error = Assert.Throws<DatasetException>(() => CsvReader.Read(path).Count());
        Assert.Equal((ErrorCodes.DatasetNotUtf8, 3L, 3L), (error.Code, error.Line, error.Column));
    }

    [Fact]
    public void Fields_longer_than_the_read_buffer_stay_whole()
    {
        string big = string.Concat(Enumerable.Range(0, 30_000).Select(i => $"{i}\"\"\r\n"));
        var rows = Read($"a,b\n\"{big}\",2\n3,4");
        Assert.Equal(big.Replace("\"\"", "\"", StringComparison.Ordinal), rows[0].Text("a"));
        Assert.Equal((30_003, "3"), (rows[1].Line, rows[1].Text("a")));
    }

    private List<DataRow> Read(string text) => [.. CsvReader.Read(_folder.Write("rows.csv", text))];
}
