using System.Text;
using Hieno.Formats.Text;
using Hieno.Tests.Shared;

namespace Hieno.Formats.Tests.Text;

public sealed class JsonlReaderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Rows_keep_their_columns_in_order_and_their_line()
    {
        var rows = Read("{\"b\":\"x\",\"a\":[1,{\"c\":null}]}\n{\"b\":\"é\\ud83d\\ude00\"}\n");
        Assert.Equal(2, rows.Count);
        Assert.Equal(["b", "a"], rows[0].Columns);
        Assert.Equal("é\U0001F600", rows[1].Text("b"));
        Assert.Equal([1, 2], rows.Select(row => row.Line));
    }

    [Fact]
    public void Byte_order_mark_crlf_empty_lines_and_a_missing_last_line_end_are_accepted()
    {
        var rows = Read("\uFEFF{\"a\":1}\r\n\r\n  \n{\"a\":2}\r\n{\"a\":3}");
        Assert.Equal([1.0, 2, 3], rows.Select(row => row.Number("a")));
        Assert.Equal([1, 4, 5], rows.Select(row => row.Line));
    }

    [Theory]
    [InlineData(ErrorCodes.DatasetRowNotJson, 2, 7, "{\"a\":1}\n{\"a\":nope}\n")]
    [InlineData(ErrorCodes.DatasetRowNotJson, 2, 6, "{\"a\":1}\n{\"a\":NaN}\n")]
    [InlineData(ErrorCodes.DatasetRowNotJson, 1, 9, "{\"a\":1} x\n")]
    [InlineData(ErrorCodes.DatasetRowNotJson, 3, 1, "{\"a\":1}\n\n[1]\n")]
    [InlineData(ErrorCodes.DatasetRowNotJson, 1, 7, "{\"a\": \"\\ud83d x\"}\n")]
    [InlineData(ErrorCodes.DatasetRowNotJson, 1, 2, "{\"\\ud83d\":1}\n")]
    [InlineData(ErrorCodes.DatasetDuplicateColumn, 1, 10, "{\"a\":1,  \"a\":2}\n")]
    [InlineData(ErrorCodes.DatasetDuplicateColumn, 1, 8, "{\"a\":1,\"\\u0061\":2}\n")]
    [InlineData(ErrorCodes.DatasetDuplicateColumn, 1, 14, "{\"a\":[{\"b\":1,\"b\":2}]}\n")]
    [InlineData(ErrorCodes.DatasetDuplicateColumn, 1, 11, "\uFEFF{\"a\":1,\"a\":2}\n")]
    public void A_malformed_row_is_refused_with_line_and_byte(string code, long line, long column, string text)
    {
        var error = Assert.Throws<DatasetException>(() => Read(text));
        Assert.Equal((code, line, column), (error.Code, error.Line, error.Column));
        Assert.Contains($"rows.jsonl, line {line}, column {column}: ", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_same_key_in_different_objects_is_no_duplicate()
    {
        Assert.Single(Read("{\"a\":{\"x\":1},\"b\":[{\"x\":1},{\"x\":2}],\"x\":3}"));
    }

    [Fact]
    public void A_truncated_last_line_is_called_that()
    {
        var error = Assert.Throws<DatasetException>(() => Read("{\"a\":1}\n{\"a\":\"hel"));
        Assert.Equal((ErrorCodes.DatasetRowNotJson, 2), (error.Code, error.Line));
        Assert.Contains("cut off", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Bytes_that_are_not_utf8_are_found_by_line_and_byte()
    {
        string path = _folder.Write("rows.jsonl", [.. "{\"a\":1}\n{\"é\":\""u8, 0xE9, (byte)'"', (byte)'}']);
        var error = Assert.Throws<DatasetException>(() => JsonlReader.Read(path).Count());
        Assert.Equal((ErrorCodes.DatasetNotUtf8, 2L, 8L), (error.Code, error.Line, error.Column));
    }

    [Fact]
    public void Nesting_beyond_64_levels_is_refused()
    {
        Assert.Single(Read("{\"a\":" + new string('[', 63) + new string(']', 63) + "}"));
        Assert.Equal(ErrorCodes.DatasetRowNotJson,
            Assert.Throws<DatasetException>(() => Read("{\"a\":" + new string('[', 10_000) + new string(']', 10_000) + "}")).Code);
    }

    [Theory]
    [InlineData(65_535)]
    [InlineData(65_536)]
    [InlineData(65_537)]
    [InlineData(1_000_000)]
    public void Lines_of_any_length_are_read_whole(int length)
    {
        string text = new('x', length - 8);
        var rows = Read($"{{\"a\":\"{text}\"}}\n{{\"a\":\"y\"}}\n{{\"a\":\"{text}\"}}");
        Assert.Equal([text, "y", text], rows.Select(row => row.Text("a")));
    }

    [Fact]
    public void A_missing_file_is_a_typed_error()
    {
        Assert.Equal(ErrorCodes.DatasetFileUnreadable, Assert.Throws<DatasetException>(() => JsonlReader.Read(_folder["none.jsonl"]).Any()).Code);
        Assert.Empty(Read(""));
    }

    [Fact]
    public void Two_thousand_damaged_files_give_rows_or_a_typed_error()
    {
        byte[] valid = Encoding.UTF8.GetBytes("{\"messages\":[{\"role\":\"user\",\"content\":\"Gr\u00fc\u00dfe \\u00e9 \U0001F600\"}],\"n\":1.5e3}\r\n\n{\"messages\":[],\"n\":null}\n");
        var random = new Random(7);
        int refused = 0;
        for (int i = 0; i < 2_000; i++)
        {
            byte[] bytes = [.. valid.AsSpan(0, random.Next(4) == 0 ? random.Next(valid.Length) : valid.Length)];
            for (int change = random.Next(0, 4); change > 0 && bytes.Length > 0; change--)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            string path = _folder.Write(i % 2 == 0 ? "rows.jsonl" : "rows.json", bytes);
            try
            {
                foreach (var row in DataFile.Read(path))
                {
                    _ = row.Columns.Count();
                }
            }
            catch (DatasetException e)
            {
                Assert.InRange(e.Line, 1, 5);
                refused++;
            }
        }

        Assert.InRange(refused, 800, 1_960);
    }

    [SkippableFact]
    [Trait("tier", "golden")]
    public void Every_real_data_file_is_read()
    {
        long rows = 0;
        foreach (string path in Directory.EnumerateFiles(SharedFolder.Require("data"), "*.jsonl", SearchOption.AllDirectories))
        {
            rows += JsonlReader.Read(path).LongCount();
        }

        Assert.True(rows > 1_000, $"only {rows} rows");
    }

    private List<DataRow> Read(string text) => [.. JsonlReader.Read(_folder.Write("rows.jsonl", text))];
}
