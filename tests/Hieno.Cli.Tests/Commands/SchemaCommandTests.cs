using System.Text.Json;

namespace Hieno.Cli.Tests.Commands;

public sealed class SchemaCommandTests
{
    [Fact]
    public async Task The_schema_is_json_and_requires_what_a_recipe_requires()
    {
        CliRun run = await CliRun.Of("schema");

        using JsonDocument json = JsonDocument.Parse(run.Output);
        Assert.Equal("https://json-schema.org/draft/2020-12/schema", json.RootElement.GetProperty("$schema").GetString());
        Assert.Equal(["base", "task", "data", "output"], json.RootElement.GetProperty("required").EnumerateArray().Select(name => name.GetString()!));
    }

    [Fact]
    public async Task The_reference_lists_settings_with_default_range_and_description()
    {
        CliRun text = await CliRun.Of("schema", "--reference");
        CliRun list = await CliRun.Of("schema", "--reference", "--json");

        Assert.Equal((string.Empty, string.Empty), (text.Error, list.Error));
        Assert.Contains("--tuning.rank  (of lora)\n", text.Output, StringComparison.Ordinal);
        using JsonDocument json = JsonDocument.Parse(list.Output);
        JsonElement rate = json.RootElement.GetProperty("settings").EnumerateArray().Single(setting => setting.GetProperty("path").GetString() == "training.batchSize");
        Assert.Equal("8", rate.GetProperty("default").GetString());
        Assert.NotEqual(string.Empty, rate.GetProperty("description").GetString());
    }
}
