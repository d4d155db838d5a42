using System.Text;

namespace Hieno.Metrics;

// Lines of cells under a header: the first column to the left, all others to the right.
internal sealed class TextTable(IReadOnlyList<string> header)
{
    private readonly List<IReadOnlyList<string>> _lines = [];

    public void Add(IReadOnlyList<string> cells) => _lines.Add(cells);

    public override string ToString()
    {
        int[] widths = [.. header.Select((cell, column) => Math.Max(cell.Length, _lines.Select(line => line[column].Length).DefaultIfEmpty(0).Max()))];
        var text = new StringBuilder();
        foreach (var line in _lines.Prepend(header))
        {
            for (int column = 0; column < widths.Length; column++)
            {
                text.Append(column == 0 ? line[column].PadRight(widths[column]) : "  " + line[column].PadLeft(widths[column]));
            }

            text.Append('\n');
        }

        return text.ToString();
    }
}
