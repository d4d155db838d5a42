using System.Diagnostics;
using System.Text;
using Hieno.Recipes;
using static Hieno.Tests.Recipes.TestCatalog;

namespace Hieno.Tests.Recipes;

public sealed class RecipeFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("hieno-recipes-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("r.yaml", "base: m")]
    [InlineData("r.YML", "base: m")]
    [InlineData("r.json", """{ "base": "m" }""")]
    public void The_extension_chooses_the_language(string name, string text)
    {
        string path = Write(name, Encoding.UTF8.GetBytes(text));

        Assert.Equal("n", RecipeFile.Load<TestRecipe>(path, Create(), RecipeOverrides.Parse(["--output", "n"])).Value.Output);
        Assert.Equal("m", ((ScalarNode)RecipeFile.ReadTree(path).Find("base")!.Value).Text);
    }

    [Fact]
    public void Another_extension_is_refused() => Refused(Path.Combine(_folder, "r.toml"), "HN1501", "the extension is '.toml', expected .yaml, .yml or .json. Rename the file.");

    [Fact]
    public void A_file_that_is_absent_is_refused() => Refused(Path.Combine(_folder, "r.yaml"), "HN1501", "there is no such file. Check the path of the recipe.");

    [Fact]
    public void A_folder_is_refused()
    {
        string path = Directory.CreateDirectory(Path.Combine(_folder, "r.yaml")).FullName;

        var fault = Assert.Single(Assert.Throws<RecipeException>(() => RecipeFile.ReadTree(path)).Faults);

        Assert.StartsWith("the file cannot be read: ", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Bytes_that_are_not_utf8_are_refused() =>
        Refused(Write("r.yaml", [(byte)'a', (byte)':', (byte)' ', 0xff]), "HN1501", "the bytes at offset 3 are not UTF-8. Save the recipe as UTF-8.");

    [Fact]
    public void A_scalar_of_ten_megabytes_is_refused_unread() =>
        Refused(Write("r.yaml", Encoding.ASCII.GetBytes("a: " + new string('x', 10 << 20))), "HN1503",
            "the recipe has more than 1048576 bytes, the most that is read. Keep data out of recipes: name a file instead.");

    [Theory]
    [InlineData("a: ", "[", "")]
    [InlineData("a: ", "{b: ", "")]
    [InlineData("a:\n", "- ", "")]
    [InlineData("", "{a: ", "")]
    [InlineData("", "? ", "")]
    public void Values_nested_a_hundred_thousand_deep_are_refused_at_once(string head, string repeated, string tail)
    {
        var watch = Stopwatch.StartNew();
        var refused = Assert.Throws<RecipeException>(() =>
            RecipeFile.ParseTree(head + string.Concat(Enumerable.Repeat(repeated, 100_000)) + tail, "r.yaml", RecipeFormat.Yaml));

        Assert.Equal("HN1503", refused.Code);
        Assert.Contains("values are nested more than 64 deep. Flatten them.", refused.Message, StringComparison.Ordinal);
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(10), $"{watch.Elapsed}");
    }

    [Fact]
    public void Json_nested_a_hundred_thousand_deep_is_refused()
    {
        var refused = Assert.Throws<RecipeException>(() =>
            RecipeFile.ParseTree("{\"a\":" + new string('[', 100_000), "r.json", RecipeFormat.Json));

        Assert.Equal("r.json, line 1, column 69: values are nested more than 64 deep. Flatten them.", refused.Message);
    }

    [Fact]
    public void Sixty_four_levels_are_read()
    {
        string nested = "{\"a\":" + new string('[', 63) + new string(']', 63) + "}";

        Assert.NotNull(RecipeFile.ParseTree(nested, "r.json", RecipeFormat.Json));
        Assert.NotNull(RecipeFile.ParseTree(nested, "r.yaml", RecipeFormat.Yaml));
    }

    [Fact]
    public void Anchors_that_multiply_are_refused_by_what_they_expand_to()
    {
        var bomb = new StringBuilder("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for (int i = 1; i < 40; i++)
        {
            bomb.Append($"a{i}: &a{i} [{string.Join(", ", Enumerable.Repeat($"*a{i - 1}", 10))}]\n");
        }

        var refused = Assert.Throws<RecipeException>(() => RecipeFile.ParseTree(bomb.ToString(), "r.yaml", RecipeFormat.Yaml));

        Assert.Equal("HN1503", refused.Code);
        Assert.Contains("more than 100000 values, those of anchors counted at each use", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("k{0}: 1\n")]
    [InlineData("- x\n")]
    [InlineData("a: &b\n")]
    [InlineData("'")]
    [InlineData("\"\\u0041")]
    [InlineData("#")]
    [InlineData("[],")]
    [InlineData("!!str ")]
    [InlineData(": ")]
    public void A_megabyte_of_anything_is_read_or_refused_within_seconds(string repeated)
    {
        var text = new StringBuilder();
        for (int i = 0; text.Length < RecipeFile.MaxBytes - 20; i++)
        {
            text.Append(repeated.Replace("{0}", i.ToString(), StringComparison.Ordinal));
        }

        var watch = Stopwatch.StartNew();
        Assert.Throws<RecipeException>(() => RecipeFile.Parse<TestRecipe>(text.ToString(), "r.yaml", RecipeFormat.Yaml, Create()));

        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(20), $"{watch.Elapsed}");
    }

    private string Write(string name, byte[] bytes)
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllBytes(path, bytes);
        return path;
    }

    private static void Refused(string path, string code, string message)
    {
        var refused = Assert.Throws<RecipeException>(() => RecipeFile.ReadTree(path));

        Assert.Equal(code, refused.Code);
        Assert.Equal($"{path}: {message}", refused.Message);
    }
}
