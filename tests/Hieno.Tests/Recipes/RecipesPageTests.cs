using System.Text.RegularExpressions;
using Hieno.Recipes;

namespace Hieno.Tests.Recipes;

// The examples of docs/recipes.md, read from the page itself.
public class RecipesPageTests
{
    private static readonly List<(string Language, string Text)> Blocks =
        [.. Regex.Matches(Page(), "^```(?<language>[a-z]+)\n(?<text>.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline)
            .Select(m => (m.Groups["language"].Value, m.Groups["text"].Value))];

    [Fact]
    public void Each_recipe_of_the_page_is_read_or_refused_as_the_page_says()
    {
        int read = 0, refused = 0;
        for (int i = 0; i < Blocks.Count; i++)
        {
            if (Blocks[i].Language == "yaml" && Blocks[i + 1].Language == "text")
            {
                Assert.Equal(Blocks[i + 1].Text.TrimEnd('\n'), Assert.Throws<RecipeException>(() => Read(Blocks[i].Text)).Message);
                refused++;
            }
            else if (Blocks[i].Language == "yaml")
            {
                Assert.NotNull(Read(Blocks[i].Text));
                read++;
            }
        }

        Assert.Equal((2, 1), (read, refused));
    }

    [Fact]
    public void Each_command_of_the_page_is_read()
    {
        var recipe = Blocks.First(b => b.Language == "yaml").Text;
        var commands = Blocks.Where(b => b.Language == "sh").SelectMany(b => b.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries)).ToList();

        Assert.Equal(6, commands.Count);
        foreach (string command in commands)
        {
            string[] args = [.. Regex.Matches(command, "\"(?<quoted>[^\"]*)\"|\\S+").Select(m => m.Groups["quoted"].Success ? m.Groups["quoted"].Value : m.Value)];
            Assert.Equal(["hieno", "train", "recipe.yaml"], args[..3]);
            Assert.NotEqual(Read(recipe), Read(recipe, args[3..]));
        }

        Assert.Equal(["a.jsonl", "b,c.jsonl"], Read(recipe, "--data.train", "[a.jsonl, 'b,c.jsonl']").Data.Train);
    }

    [Fact]
    public void Every_code_is_on_the_page() =>
        Assert.All(typeof(Formats.ErrorCodes).GetFields().Where(f => f.Name.StartsWith("Recipe", StringComparison.Ordinal)),
            f => Assert.Contains($"| {f.GetValue(null)} |", Page(), StringComparison.Ordinal));

    private static Recipe Read(string yaml, params string[] args) =>
        RecipeFile.Parse<Recipe>(yaml, "recipe.yaml", RecipeFormat.Yaml, BuiltIns.Kinds(), RecipeOverrides.Parse(args)).Value;

    private static string Page()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Hieno.slnx")))
        {
            folder = folder.Parent ?? throw new InvalidOperationException("The tests do not run inside the repository.");
        }

        return File.ReadAllText(Path.Combine(folder.FullName, "docs", "recipes.md")).ReplaceLineEndings("\n");
    }
}
