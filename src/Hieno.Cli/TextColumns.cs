using System.Text;

namespace Hieno.Cli;

/// <summary>Lines of cells in aligned columns of plain text.</summary>
/// <param name="header">The heads of the columns; one that begins with <c>&gt;</c> is aligned to the right, as numbers are.</param>
internal sealed class TextColumns(params string[] header)
{
    private readonly List<string[]> _lines = [[.. header.Select(head => head.TrimStart('>'))]];

    public int Count => _lines.Count - 1;

    public void Add(params string[] cells) => _lines.Add(cells);

    /// <summary>Writes the header and the lines.</summary>
    /// <param name="output">Where to write.</param>
    /// <param name="indent">Put before each line.</param>
    public void Write(TextWriter output, string indent = "")
    {
        int[] widths = [.. header.Select((_, column) => _lines.Max(line => line[column].Length))];
        foreach (string[] line in _lines)
        {
            var text = new StringBuilder(indent);
            for (int column = 0; column < line.Length; column++)
            {
                text.Append(column == 0 ? string.Empty : "  ");
                text.Append(header[column].StartsWith('>') ? line[column].PadLeft(widths[column]) : line[column].PadRight(widths[column]));
            }

            output.WriteLine(text.ToString().TrimEnd());
        }
    }
}
