using Hieno.Recipes;

namespace Hieno.Tests.Recipes;

public class JsonRecipeTests
{
    [Fact]
    public void Keys_and_values_know_their_line_and_column()
    {
        var tree = Parse("{\n  \"ä\": \"ö\", \"b\": 12,\n  \"c\": [true, null]\n}");

        Assert.Equal("r.json, line 1, column 1", tree.Position.ToString());
        Assert.Equal("r.json, line 2, column 3", tree.Find("ä")!.Position.ToString());
        Assert.Equal("r.json, line 2, column 8", tree.Find("ä")!.Value.Position.ToString());
        Assert.Equal("r.json, line 2, column 18", tree.Find("b")!.Value.Position.ToString());
        var items = Assert.IsType<ListNode>(tree.Find("c")!.Value).Items.Cast<ScalarNode>().ToArray();
        Assert.Equal(("true", ScalarForm.Plain), (items[0].Text, items[0].Form));
        Assert.Equal(ScalarForm.Null, items[1].Form);
        Assert.Equal("r.json, line 3, column 15", items[1].Position.ToString());
    }

    [Fact]
    public void Texts_are_texts_and_numbers_are_numbers()
    {
        var tree = Parse("""{ "a": "16", "b": 16, "c": "\u00e4\n" }""");

        Assert.Equal(ScalarForm.Quoted, ((ScalarNode)tree.Find("a")!.Value).Form);
        Assert.Equal(ScalarForm.Plain, ((ScalarNode)tree.Find("b")!.Value).Form);
        Assert.Equal("ä\n", ((ScalarNode)tree.Find("c")!.Value).Text);
    }

    [Theory]
    [InlineData("", "r.json: the recipe is empty. Write { \"key\": value }.")]
    [InlineData("  \n ", "r.json: the recipe is empty. Write { \"key\": value }.")]
    [InlineData("[1]", "r.json, line 1, column 1: the recipe is a list, expected an object. Write { \"key\": value }.")]
    [InlineData("{ \"a\": 1,\n \"a\": 2 }", "r.json, line 2, column 2: 'a' is given twice, first in line 1. Remove one.")]
    [InlineData("{ \"a\": \"\\ud800\" }", "r.json, line 1, column 8: the text is not valid Unicode. Correct its escapes, or save the recipe as UTF-8.")]
    public void What_cannot_be_a_recipe_is_refused_with_its_place(string json, string message) =>
        Assert.Equal(message, Assert.Throws<RecipeException>(() => Parse(json)).Message);

    [Theory]
    [InlineData("{ \"a\": 1, }", 1, 11)]
    [InlineData("{\n  \"a\" 1 }", 2, 7)]
    [InlineData("{ \"a\": 01 }", 1, 9)]
    [InlineData("{ \"a\": 1", 1, 9)]
    [InlineData("{ \"a\": 1 } x", 1, 12)]
    [InlineData("{ // no\n \"a\": 1 }", 1, 3)]
    [InlineData("{ \"ä\": x }", 1, 8)]
    public void Malformed_json_is_one_fault_with_its_place(string json, int line, int column)
    {
        var fault = Assert.Single(Assert.Throws<RecipeException>(() => Parse(json)).Faults);

        Assert.Equal(("HN1502", line, column), (fault.Code, fault.Line, fault.Column));
        Assert.StartsWith("this is not valid JSON: ", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Random_bytes_and_broken_recipes_are_read_or_refused_but_never_crash()
    {
        const string Good = """{ "base": "m", "data": { "train": ["a", "b\u00e4"], "x": null }, "n": -1.5e-3, "t": true }""";
        var random = new Random(5);
        for (int i = 0; i < 20_000; i++)
        {
            char[] text = Good.ToCharArray();
            for (int change = random.Next(1, 4); change > 0; change--)
            {
                text[random.Next(text.Length)] = random.Next(3) == 0 ? (char)random.Next(1, 0xD800) : Good[random.Next(Good.Length)];
            }

            try
            {
                Parse(new string(text, 0, random.Next(text.Length + 1)));
            }
            catch (RecipeException)
            {
            }
        }
    }

    private static MapNode Parse(string json) => RecipeFile.ParseTree(json, "r.json", RecipeFormat.Json);
}
