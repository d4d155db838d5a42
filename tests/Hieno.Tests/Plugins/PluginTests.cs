using Hieno.Plugins;
using Hieno.Recipes;
using Hieno.Tuning;

namespace Hieno.Tests.Plugins;

public sealed class PluginTests : IDisposable
{
    private static readonly string s_plugin = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "..", "..", "OwnMethod", Path.GetFileName(AppContext.BaseDirectory.TrimEnd('/', '\\')), "OwnMethod.dll"));

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Its_kinds_stand_beside_the_built_in_ones()
    {
        KindCatalog kinds = Plugin.Add([s_plugin]);
        Assert.Equal("ScaleAndShiftOptions", kinds.Find(typeof(TuningOptions), "scale-and-shift")!.Name);
        Assert.Equal(typeof(LoRAOptions), kinds.Find(typeof(TuningOptions), "lora"));
        Assert.Null(BuiltIns.Kinds().Find(typeof(TuningOptions), "scale-and-shift"));
        Assert.Equal(["scale-and-shift"], Plugin.Load(s_plugin).Kinds);
    }

    [Fact]
    public void A_recipe_that_names_it_can_be_read_and_written_back()
    {
        string path = _folder.Write("recipe.yaml", $"plugins: [{s_plugin}]\nbase: m\ntask: classification\ndata: {{ train: a.jsonl }}\ntuning: {{ kind: scale-and-shift, targets: [query] }}\noutput: o\n");
        Recipe recipe = Recipe.Load(path);
        Assert.Equal([s_plugin], recipe.Plugins);
        Assert.Contains("kind: scale-and-shift", RecipeWriter.ToYaml(recipe, Plugin.Add(recipe.Plugins)), StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_not_there_is_named_with_its_line_beside_the_recipes_other_plugins()
    {
        string path = _folder.Write("recipe.yaml", "base: m\nplugins: [absent.dll, gone.dll]\ntask: sft\ndata: { train: a.jsonl }\noutput: o\n");
        var fault = Assert.Throws<RecipeException>(() => Recipe.Load(path));
        Assert.Equal(
            [
                $"{path}, line 2, column 11: the plugin 'absent.dll': there is no such file. Build it, or correct the path; it is seen from the working folder.",
                $"{path}, line 2, column 23: the plugin 'gone.dll': there is no such file. Build it, or correct the path; it is seen from the working folder.",
            ],
            fault.Faults.Select(item => item.ToString()));
        Assert.All(fault.Faults, item => Assert.Equal("HN1512", item.Code));
    }

    [Fact]
    public void A_file_that_is_no_assembly_is_refused()
    {
        string file = _folder.Write("own.dll", "not an assembly");
        Assert.Contains($"{file}: it is not a .NET assembly. Build it as a class library", Assert.Throws<RecipeException>(() => Plugin.Load(file)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_assembly_that_brings_no_kind_is_refused()
    {
        string file = typeof(PluginTests).Assembly.Location;
        Assert.Contains("it brings no kind. Add a line such as [assembly: Kind<", Assert.Throws<RecipeException>(() => Plugin.Load(file)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_kind_whose_name_is_taken_is_refused()
    {
        string message = Assert.Throws<RecipeException>(() => Plugin.Add([s_plugin, s_plugin])).Message;
        Assert.Contains("its kind cannot be added", message, StringComparison.Ordinal);
        Assert.Contains("scale-and-shift", message, StringComparison.Ordinal);
    }
}
