using System.Text.Json;
using System.Text.Json.Nodes;

namespace Hieno.Tuning;

/// <summary>JSON files as people read them, and as the usual Python libraries write them.</summary>
internal static class IndentedJson
{
    private static readonly JsonSerializerOptions s_options = new() { WriteIndented = true };

    /// <summary>Writes a file: indented, with a line break at its end.</summary>
    public static void Write(string path, JsonNode json) => File.WriteAllText(path, json.ToJsonString(s_options) + "\n");
}
