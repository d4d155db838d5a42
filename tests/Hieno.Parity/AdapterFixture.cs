using System.Text.Json;
using Hieno.Formats.Peft;
using Hieno.Tuning;

namespace Hieno.Parity;

/// <summary>A folder of PEFT's with an adapter, and what the reference made of it on the model of another folder.</summary>
internal static class AdapterFixture
{
    /// <summary>True when a folder is laid out as an adapter fixture.</summary>
    public static bool IsFixture(string folder) =>
        Array.TrueForAll(["adapter_config.json", "adapter_model.safetensors", "expected.safetensors", "meta.json"], name => File.Exists(Path.Combine(folder, name)));

    /// <summary>The folder of the model, which lies beside the folder that holds the adapters.</summary>
    public static string BaseOf(string folder)
    {
        using var meta = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "meta.json")));
        return Path.GetFullPath(Path.Combine(folder, "..", "..", meta.RootElement.GetProperty("base").GetString()!));
    }

    /// <summary>Why a fixture cannot be run, or null when it can.</summary>
    public static string? WhyUnsupported(string folder)
    {
        string type = PeftAdapterConfig.Read(folder).PeftType;
        return PeftFolder.Knows(type) ? Fixture.WhyUnsupported(BaseOf(folder)) : $"adapter '{type}'";
    }
}
