using System.Text;

namespace Hieno.Formats.Text;

/// <summary>What one row of a plain text file is.</summary>
public enum TextUnit
{
    /// <summary>The whole file.</summary>
    Document,

    /// <summary>What stands between empty lines.</summary>
    Paragraph,

    /// <summary>One line that is not empty.</summary>
    Line,
}

/// <summary>Reads plain text, a file or a folder of <c>.txt</c> files, as rows with one column <c>text</c>.</summary>
public static class PlainText
{
    /// <summary>The name of the only column.</summary>
    public const string Column = "text";

    private static readonly string[] Columns = [Column];

    /// <summary>Reads the rows one after the other; memory holds one file at a time. Line ends become <c>\n</c>; a byte order mark is dropped.</summary>
    /// <param name="path">A text file of any name, or a folder whose <c>.txt</c> files are read with those of its subfolders, in ordinal order.</param>
    /// <param name="unit">What a row is; rows of white space alone are left out.</param>
    /// <exception cref="DatasetException">The file is absent or not UTF-8, or the folder has no text file; raised while reading.</exception>
    public static IEnumerable<DataRow> Read(string path, TextUnit unit = TextUnit.Document)
    {
        foreach (string file in FilesOf(path))
        {
            string text = ReadFile(file);
            foreach (var (line, piece) in Pieces(text, unit))
            {
                if (!string.IsNullOrWhiteSpace(piece))
                {
                    yield return JsonRow.OfText(Columns, [piece], file, line);
                }
            }
        }
    }

    private static IReadOnlyList<string> FilesOf(string path)
    {
        if (!Directory.Exists(path))
        {
            return [path];
        }

        string[] files = Directory.GetFiles(path, "*.txt", SearchOption.AllDirectories);
        Array.Sort(files, StringComparer.Ordinal);
        return files.Length > 0
            ? files
            : throw new DatasetException(ErrorCodes.DatasetEmpty, path, 0, 0, "the folder has no .txt file", "Give a folder of text files");
    }

    private static IEnumerable<(long Line, string Text)> Pieces(string text, TextUnit unit)
    {
        if (unit == TextUnit.Document)
        {
            yield return (1, text);
            yield break;
        }

        var paragraph = new StringBuilder();
        long number = 0, begin = 1;
        foreach (string line in text.Split('\n'))
        {
            number++;
            if (unit == TextUnit.Line)
            {
                yield return (number, line);
            }
            else if (!string.IsNullOrWhiteSpace(line))
            {
                begin = paragraph.Length == 0 ? number : begin;
                paragraph.Append(paragraph.Length == 0 ? string.Empty : "\n").Append(line);
            }
            else
            {
                yield return (begin, paragraph.ToString());
                paragraph.Clear();
            }
        }

        yield return (begin, paragraph.ToString());
    }

    private static string ReadFile(string path)
    {
        byte[] bytes = DataBytes.ReadAll(path);
        int begin = bytes.AsSpan().StartsWith(Utf8Check.ByteOrderMark) ? Utf8Check.ByteOrderMark.Length : 0;
        Utf8Check.ThrowIfInvalid(bytes.AsSpan(begin), path, 1, 1 + begin);
        return Encoding.UTF8.GetString(bytes.AsSpan(begin)).Replace("\r\n", "\n", StringComparison.Ordinal);
    }
}
