using System.Runtime.CompilerServices;
using System.Text;

namespace Hieno.Formats.ChatTemplates.Runtime;

/// <summary>Text under construction, and which parts of it stem from generation blocks.</summary>
internal sealed class OutputBuffer(Budget budget)
{
    private readonly StringBuilder _text = new();

    public List<Range> Spans { get; } = [];

    public int Length => _text.Length;

    public void Write(string text)
    {
        budget.Read(text.Length);
        budget.CheckLength((long)_text.Length + text.Length);
        _text.Append(text);
    }

    /// <summary>Marks everything from <paramref name="start"/> on. A block within a block is part of the outer one.</summary>
    public void Mark(int start)
    {
        Spans.RemoveAll(span => span.Start.Value >= start);
        if (Length > start)
        {
            Spans.Add(start..Length);
        }
    }

    public override string ToString() => _text.ToString();
}

/// <summary>
/// Remembers the spans of texts that were rendered aside, by macros and block assignments. A text that is printed as it is
/// brings its spans along; one that was changed first has lost them, because it is another string.
/// </summary>
internal sealed class CapturedSpans
{
    private readonly Dictionary<string, List<Range>> _spans = new(ReferenceComparer.Instance);
    private readonly HashSet<string> _printed = new(ReferenceComparer.Instance);

    /// <summary>True when the text of a generation block was changed or thrown away.</summary>
    public bool AnyLost => _printed.Count < _spans.Count;

    public string Capture(OutputBuffer buffer)
    {
        string text = buffer.ToString();
        if (buffer.Spans.Count > 0)
        {
            _spans[text] = buffer.Spans;
        }

        return text;
    }

    public void Print(string text, OutputBuffer output)
    {
        int start = output.Length;
        output.Write(text);
        if (_spans.TryGetValue(text, out var spans))
        {
            _printed.Add(text);
            output.Spans.AddRange(spans.Select(span => (span.Start.Value + start)..(span.End.Value + start)));
        }
    }

    private sealed class ReferenceComparer : IEqualityComparer<string>
    {
        public static readonly ReferenceComparer Instance = new();

        public bool Equals(string? x, string? y) => ReferenceEquals(x, y);

        public int GetHashCode(string text) => RuntimeHelpers.GetHashCode(text);
    }
}
