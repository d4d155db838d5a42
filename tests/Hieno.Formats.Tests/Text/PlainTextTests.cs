using Hieno.Formats.Text;

namespace Hieno.Formats.Tests.Text;

public sealed class PlainTextTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_file_is_one_document_or_paragraphs_or_lines()
    {
        string path = _folder.Write("a.txt", "\uFEFFone\r\ntwo\r\n\r\n \nthree");
        Assert.Equal([(1, "one\ntwo\n\n \nthree")], Read(path, TextUnit.Document));
        Assert.Equal([(1, "one\ntwo"), (5, "three")], Read(path, TextUnit.Paragraph));
        Assert.Equal([(1, "one"), (2, "two"), (5, "three")], Read(path, TextUnit.Line));
    }

    [Fact]
    public void A_folder_is_read_in_ordinal_order_with_its_subfolders()
    {
        _folder.Write("b.txt", "b");
        _folder.Write("a.md", "not read");
        Directory.CreateDirectory(_folder["a"]);
        _folder.Write("a/z.txt", "z");
        Assert.Equal(["z", "b"], DataFile.Read(_folder.Path).Select(row => row.Text(PlainText.Column)));
    }

    [Fact]
    public void Text_that_is_not_utf8_and_folders_without_text_are_refused()
    {
        string path = _folder.Write("a.txt", [.. "one\ntw"u8, 0xF6]);
        var error = Assert.Throws<DatasetException>(() => Read(path, TextUnit.Line));
        Assert.Equal((ErrorCodes.DatasetNotUtf8, 2L, 3L), (error.Code, error.Line, error.Column));
        File.Delete(path);
        Assert.Equal(ErrorCodes.DatasetEmpty, Assert.Throws<DatasetException>(() => Read(_folder.Path, TextUnit.Line)).Code);
    }

    private static List<(long, string)> Read(string path, TextUnit unit) =>
        [.. PlainText.Read(path, unit).Select(row => (row.Line, row.Text("text")))];
}
