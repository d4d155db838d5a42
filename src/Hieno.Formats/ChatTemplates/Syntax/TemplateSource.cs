namespace Hieno.Formats.ChatTemplates.Syntax;

/// <summary>A template's text as the lexer reads it, and the map from offsets back to lines and columns.</summary>
internal sealed class TemplateSource
{
    private TemplateSource(string name, string text) => (Name, Text) = (name, text);

    public string Name { get; }

    public string Text { get; }

    /// <summary>Makes every line end a single \n and drops one at the end of the file, as Jinja does.</summary>
    public static TemplateSource From(string source, string name)
    {
        string text = source.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n');
        return new TemplateSource(name, text.EndsWith('\n') ? text[..^1] : text);
    }

    /// <summary>Line and column of an offset, both counted from 1.</summary>
    public (int Line, int Column) Locate(int offset)
    {
        var before = Text.AsSpan(0, Math.Clamp(offset, 0, Text.Length));
        return (before.Count('\n') + 1, before.Length - before.LastIndexOf('\n'));
    }
}
