using System.Collections;

namespace Hieno.Metrics;

/// <summary>The conventions that stood in for undefined values while metrics were computed, each named once.</summary>
public sealed class MetricWarnings : IReadOnlyList<string>
{
    private readonly List<string> _lines = [];

    /// <inheritdoc/>
    public int Count => _lines.Count;

    /// <inheritdoc/>
    public string this[int index] => _lines[index];

    /// <summary>Adds a line, unless it is there already.</summary>
    public void Add(string line)
    {
        if (!_lines.Contains(line, StringComparer.Ordinal))
        {
            _lines.Add(line);
        }
    }

    /// <inheritdoc/>
    public IEnumerator<string> GetEnumerator() => _lines.GetEnumerator();

    /// <inheritdoc/>
    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
