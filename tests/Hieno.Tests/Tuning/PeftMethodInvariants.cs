using System.Text.Json.Nodes;
using Hieno.Formats.Peft;
using Hieno.Formats.Safetensors;
using Hieno.Models;
using Hieno.Tests.Shared;
using Hieno.Tuning;

namespace Hieno.Tests.Tuning;

/// <summary>What holds besides for every method of which the shared folder has an adapter that PEFT wrote.</summary>
public abstract class PeftMethodInvariants : AdapterMethodInvariants
{
    /// <summary>The same settings as an adapter of PEFT's in the shared folder: its name, its base model, the settings.</summary>
    protected abstract (string Folder, string Base, AdapterOptions Options) Golden { get; }

    /// <summary>Keys that differ on purpose: newer versions write more.</summary>
    protected virtual string[] KeysApart => [];

    [SkippableFact]
    [Trait("tier", "golden")]
    public void An_adapter_made_here_has_the_names_shapes_and_settings_that_peft_writes()
    {
        (string name, string baseModel, AdapterOptions options) = Golden;
        string folder = SharedFolder.Require($"golden/peft/{name}");
        TextModel model = GoldenModel.Require(baseModel).Load();
        PeftFolder.Save(options.Create().Apply(model, seed: 3).Adapter!, Folder.Path, $"golden/{baseModel}");

        using var theirs = SafetensorsFile.Open(Path.Combine(folder, PeftAdapterConfig.WeightsFileName));
        using var ours = SafetensorsFile.Open(Folder.PathOf(PeftAdapterConfig.WeightsFileName));
        Assert.Equal(Described(theirs), Described(ours));

        JsonObject expected = ConfigOf(folder);
        JsonObject actual = ConfigOf(Folder.Path);
        string[] apart = ["target_modules", "init_weights", "init_ia3_weights", .. KeysApart];
        Assert.All(expected.Where(item => !apart.Contains(item.Key)), item => Assert.True(JsonNode.DeepEquals(item.Value, actual[item.Key]), $"{item.Key}: {actual[item.Key]}"));
        Assert.Equal(Sorted(expected["target_modules"]!), Sorted(actual["target_modules"]!));
        Assert.Empty(expected.Select(item => item.Key).Except(actual.Select(item => item.Key)));
        Assert.Empty(actual.Select(item => item.Key).Except(expected.Select(item => item.Key)).Except(KeysApart));
    }

    private static JsonObject ConfigOf(string folder) => JsonNode.Parse(File.ReadAllText(Path.Combine(folder, PeftAdapterConfig.FileName)))!.AsObject();

    private static string[] Sorted(JsonNode list) => [.. list.AsArray().Select(item => item!.GetValue<string>()).Order(StringComparer.Ordinal)];

    private static string[] Described(SafetensorsFile file) =>
        [.. file.Entries.Values.Select(entry => $"{entry.Name} {entry.DType} [{string.Join(", ", entry.Shape)}]").Order(StringComparer.Ordinal)];
}
