using System.CommandLine;
using System.Text.Json.Nodes;
using Hieno.Recipes;

namespace Hieno.Cli.Commands;

/// <summary><c>hieno schema</c>: what a recipe may say.</summary>
internal static class SchemaCommand
{
    public static Command Create(Terminal terminal)
    {
        var verb = new Verb(
            "schema",
            "Prints the JSON schema of recipes, with which editors complete and check them; or a list of all settings.",
            "hieno schema > recipe.schema.json",
            "hieno schema --reference");
        Option<bool> reference = verb.Flag("--reference", "Prints every setting with its kind, default, range and description.");
        Option<bool> json = verb.Flag("--json", "Prints the list as JSON; the schema always is.");
        var plugins = new PluginFlag(verb);
        verb.SetAction(parsed =>
        {
            if (!parsed.GetValue(reference))
            {
                terminal.WriteLine(RecipeSchema.Of<Recipe>(plugins.Kinds(parsed)).ToJsonString(JsonOutput.Options));
                return;
            }

            SettingsReference settings = SettingsReference.Of<Recipe>(plugins.Kinds(parsed));
            foreach (string missing in settings.MissingDocumentation)
            {
                terminal.Error.WriteLine($"note: {missing} is not there, so descriptions are missing");
            }

            if (parsed.GetValue(json))
            {
                terminal.WriteLine(ToJson(settings).ToJsonString(JsonOutput.Options));
            }
            else
            {
                Write(settings, terminal.Output);
            }
        });
        return verb;
    }

    private static void Write(SettingsReference settings, TextWriter output)
    {
        ILookup<string, KindEntry> kinds = settings.Kinds.ToLookup(kind => kind.Path, StringComparer.Ordinal);
        foreach (SettingEntry setting in settings.Settings)
        {
            string owner = setting.Kind is null ? string.Empty : $"  (of {setting.Kind})";
            string state = setting.IsRequired ? "required" : setting.Default is null ? "a group" : $"default {setting.Default}";
            string range = setting.Range is null ? string.Empty : $", {setting.Range}";
            output.WriteLine($"--{setting.Path}{owner}");
            output.WriteLine($"    {setting.Type}{range}; {state}");
            output.WriteLine($"    {setting.Description}");
            foreach (KindEntry kind in kinds[setting.Path])
            {
                output.WriteLine($"      {kind.Kind}: {kind.Description}");
            }
        }
    }

    private static JsonObject ToJson(SettingsReference settings) => new()
    {
        ["settings"] = new JsonArray([.. settings.Settings.Select(setting => new JsonObject
        {
            ["path"] = setting.Path,
            ["kind"] = setting.Kind,
            ["type"] = setting.Type,
            ["required"] = setting.IsRequired,
            ["default"] = setting.Default,
            ["range"] = setting.Range,
            ["description"] = setting.Description,
        })]),
        ["kinds"] = new JsonArray([.. settings.Kinds.Select(kind => new JsonObject { ["path"] = kind.Path, ["kind"] = kind.Kind, ["description"] = kind.Description })]),
    };
}
