using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Hieno.Training;

/// <summary>How the files of a run folder are written as JSON.</summary>
internal static class RunJson
{
    /// <summary>One line for each object.</summary>
    public static readonly JsonSerializerOptions Line = Create(indented: false);

    /// <summary>For files that people read.</summary>
    public static readonly JsonSerializerOptions Indented = Create(indented: true);

    private static JsonSerializerOptions Create(bool indented) => new()
    {
        WriteIndented = indented,
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        // A metric that is undefined stays visible as "NaN" rather than making the file unreadable.
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.KebabCaseLower) },
    };
}
