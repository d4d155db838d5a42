using System.Globalization;
using System.Text.Json;
using Hieno.Formats.Images;

namespace Hieno.Formats.Text;

/// <summary>One row of a data set, whatever its container: named columns in order, and where the row stands.</summary>
/// <remarks>Rows of CSV files hold text only; <see cref="Number"/> therefore also reads a number written as text.</remarks>
public sealed class DataRow
{
    /// <summary>Makes a row.</summary>
    /// <param name="json">A JSON object; it must not depend on a document that will be disposed.</param>
    /// <param name="file">The data file.</param>
    /// <param name="line">The line the row begins at, counted from 1.</param>
    /// <exception cref="ArgumentException"><paramref name="json"/> is not an object.</exception>
    public DataRow(JsonElement json, string file, long line)
    {
        if (json.ValueKind != JsonValueKind.Object)
        {
            throw new ArgumentException($"A row is a JSON object, got {json.ValueKind}.", nameof(json));
        }

        (Json, File, Line) = (json, file, line);
    }

    /// <summary>The whole row as a JSON object.</summary>
    public JsonElement Json { get; }

    /// <summary>The data file.</summary>
    public string File { get; }

    /// <summary>The line the row begins at, counted from 1.</summary>
    public long Line { get; }

    /// <summary>The picture that the row is about, where rows are read as such; null elsewhere.</summary>
    public ImageRow? Picture { get; init; }

    /// <summary>Column names in the order of the file.</summary>
    public IEnumerable<string> Columns => Json.EnumerateObject().Select(property => property.Name);

    /// <summary>Finds a column; false where the row has none of that name.</summary>
    public bool TryGet(string column, out JsonElement value) => Json.TryGetProperty(column, out value);

    /// <summary>The value of a column that must be there; it may be null.</summary>
    /// <exception cref="DatasetException">The row has no such column.</exception>
    public JsonElement Require(string column) =>
        TryGet(column, out var value)
            ? value
            : throw Error(ErrorCodes.DatasetColumnMissing, $"there is no '{column}'; the row has {string.Join(", ", Columns)}", "Add it, or name the right column");

    /// <summary>The text of a column.</summary>
    /// <exception cref="DatasetException">The column is absent or not a string.</exception>
    public string Text(string column)
    {
        var value = Require(column);
        return value.ValueKind == JsonValueKind.String ? value.GetString()! : throw WrongType(column, value, "text");
    }

    /// <summary>The number in a column, also when it is written as text ("0.5"), as in a CSV file. Never NaN or infinite.</summary>
    /// <exception cref="DatasetException">The column is absent or not a finite number.</exception>
    public double Number(string column)
    {
        var value = Require(column);
        bool isNumber = value.ValueKind switch
        {
            JsonValueKind.Number => value.TryGetDouble(out double number) && double.IsFinite(number),
            JsonValueKind.String => double.TryParse(value.GetString(), NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && double.IsFinite(number),
            _ => false,
        };
        return !isNumber ? throw WrongType(column, value, "a number")
            : value.ValueKind == JsonValueKind.Number ? value.GetDouble()
            : double.Parse(value.GetString()!, NumberStyles.Float, CultureInfo.InvariantCulture);
    }

    /// <summary>An error about this row, to be thrown.</summary>
    /// <param name="code">One of the HN12xx codes of <see cref="ErrorCodes"/>.</param>
    /// <param name="fact">What is wrong with the row.</param>
    /// <param name="advice">What to do about it.</param>
    public DatasetException Error(string code, string fact, string advice) => new(code, File, Line, 0, fact, advice);

    private DatasetException WrongType(string column, JsonElement value, string expected)
    {
        string raw = value.GetRawText();
        return Error(ErrorCodes.DatasetColumnType, $"'{column}' is {(raw.Length <= 60 ? raw : raw[..60] + "…")}, expected {expected}", "Correct the row, or name another column");
    }
}
