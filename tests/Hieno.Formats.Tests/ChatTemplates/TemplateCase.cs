using System.Text.Json;

namespace Hieno.Formats.Tests.ChatTemplates;

/// <summary>
/// One template of rendered.json, refused.json or malformed.json. The expected texts were made with Python's jinja2 3.1.2, set up
/// as chat templates need it: an immutable sandbox, trim_blocks, lstrip_blocks, loop controls, and json.dumps behind tojson.
/// </summary>
public sealed record TemplateCase(string Name, string Template, Dictionary<string, object?> Variables, JsonElement Case)
{
    public static IReadOnlyList<TemplateCase> All(string file)
    {
        using var stream = typeof(TemplateCase).Assembly.GetManifestResourceStream($"ChatTemplates/{file}")!;
        return JsonDocument.Parse(stream).RootElement.EnumerateArray().Select(Read).ToList();
    }

    public static TheoryData<string> Names(string file) => [.. All(file).Select(c => c.Name)];

    public static TemplateCase Find(string file, string name) => All(file).Single(c => c.Name == name);

    public static string Lines(JsonElement lines) => string.Join('\n', lines.EnumerateArray().Select(line => line.GetString()));

    private static TemplateCase Read(JsonElement json)
    {
        var variables = json.TryGetProperty("variables", out var given)
            ? given.EnumerateObject().ToDictionary(p => p.Name, object? (p) => p.Value)
            : [];
        return new TemplateCase(json.GetProperty("name").GetString()!, Lines(json.GetProperty("template")), variables, json);
    }
}
