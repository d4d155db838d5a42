using System.Globalization;

namespace Hieno.Formats.Text;

/// <summary>A data file cannot be read, or one of its rows is malformed or cannot be used.</summary>
public sealed class DatasetException : HienoException
{
    /// <summary>Builds the message <c>file, line 3, column 17: fact. advice.</c></summary>
    /// <param name="code">One of the HN12xx codes of <see cref="ErrorCodes"/>.</param>
    /// <param name="file">The data file.</param>
    /// <param name="line">Line, counted from 1; 0 when the error is about the whole file.</param>
    /// <param name="column">Byte in the line, counted from 1; 0 when the error is about the whole line.</param>
    /// <param name="fact">What was found.</param>
    /// <param name="advice">What to do about it.</param>
    /// <param name="inner">The cause, or null.</param>
    public DatasetException(string code, string file, long line, long column, string fact, string advice, Exception? inner = null)
        : base(code, Where(file, line, column), fact, advice, inner)
    {
        (File, Line, Column) = (file, line, column);
    }

    /// <summary>The data file.</summary>
    public string File { get; }

    /// <summary>Line, counted from 1; 0 when the error is about the whole file.</summary>
    public long Line { get; }

    /// <summary>Byte in the line, counted from 1; 0 when the error is about the whole line.</summary>
    public long Column { get; }

    private static string Where(string file, long line, long column) =>
        line == 0 ? file
        : column == 0 ? string.Create(CultureInfo.InvariantCulture, $"{file}, line {line}")
        : string.Create(CultureInfo.InvariantCulture, $"{file}, line {line}, column {column}");
}
