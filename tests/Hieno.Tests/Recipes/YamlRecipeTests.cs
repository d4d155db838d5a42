using Hieno.Recipes;

namespace Hieno.Tests.Recipes;

public class YamlRecipeTests
{
    [Fact]
    public void Keys_and_values_know_their_line_and_column()
    {
        var tree = Parse("""
            # comment
            a: 1
            group:
              - x
              - {b: "ä", c: 2}
            """);

        Assert.Equal("r.yaml, line 2, column 1", tree.Find("a")!.Position.ToString());
        Assert.Equal("r.yaml, line 2, column 4", tree.Find("a")!.Value.Position.ToString());
        var list = Assert.IsType<ListNode>(tree.Find("group")!.Value);
        Assert.Equal("r.yaml, line 4, column 3", list.Position.ToString());
        var inner = Assert.IsType<MapNode>(list.Items[1]);
        Assert.Equal("r.yaml, line 5, column 5", inner.Position.ToString());
        Assert.Equal("r.yaml, line 5, column 14", inner.Find("c")!.Position.ToString());
    }

    [Theory]
    [InlineData("null", ScalarForm.Null)]
    [InlineData("~", ScalarForm.Null)]
    [InlineData("", ScalarForm.Null)]
    [InlineData("nil", ScalarForm.Plain)]
    [InlineData("true", ScalarForm.Plain)]
    [InlineData("1e-4", ScalarForm.Plain)]
    [InlineData("'null'", ScalarForm.Quoted)]
    [InlineData("\"16\"", ScalarForm.Quoted)]
    [InlineData("!!str 16", ScalarForm.Quoted)]
    [InlineData("|\n  text", ScalarForm.Quoted)]
    [InlineData(">\n  text", ScalarForm.Quoted)]
    public void Only_an_unquoted_scalar_can_be_null_or_a_number(string text, ScalarForm form) =>
        Assert.Equal(form, Assert.IsType<ScalarNode>(Parse("a: " + text).Find("a")!.Value).Form);

    [Fact]
    public void A_block_text_keeps_its_lines() =>
        Assert.Equal("one\ntwo\n", Assert.IsType<ScalarNode>(Parse("a: |\n  one\n  two\n").Find("a")!.Value).Text);

    [Fact]
    public void An_anchored_group_can_be_used_again()
    {
        var tree = Parse("a: &x { b: 1 }\nc: *x");

        Assert.Same(tree.Find("a")!.Value, tree.Find("c")!.Value);
    }

    [Fact]
    public void A_byte_order_mark_and_windows_line_ends_are_allowed() =>
        Assert.Equal("r.yaml, line 2, column 4", Parse("\uFEFFa: 1\r\nb: 2\r\n").Find("b")!.Value.Position.ToString());

    [Theory]
    [InlineData("", "r.yaml: the recipe is empty. Write its settings, one a line: 'key: value'.")]
    [InlineData("# only a comment\n", "r.yaml: the recipe is empty. Write its settings, one a line: 'key: value'.")]
    [InlineData("---\n", "r.yaml: the recipe is empty. Write its settings, one a line: 'key: value'.")]
    [InlineData("just text", "r.yaml, line 1, column 1: the recipe is 'just text', expected settings. Write them one a line: 'key: value'.")]
    [InlineData("- a", "r.yaml, line 1, column 1: the recipe is a list, expected settings. Write them one a line: 'key: value'.")]
    [InlineData("a: 1\n---\nb: 2", "r.yaml, line 2, column 1: a second document begins here. Put each recipe into a file of its own.")]
    [InlineData("a:\n\tb: 1", "r.yaml, line 2, column 1: the line is indented with a tab, which YAML forbids. Use spaces.")]
    [InlineData("a:\n  b: 1\n \tc: 2", "r.yaml, line 3, column 2: the line is indented with a tab, which YAML forbids. Use spaces.")]
    [InlineData("a: 1\nb: 2\na: 3\nb: 4", "r.yaml, line 3, column 1: 'a' is given twice, first in line 1. Remove one.\nr.yaml, line 4, column 1: 'b' is given twice, first in line 2. Remove one.")]
    [InlineData("a: *x", "r.yaml, line 1, column 4: the anchor '*x' is not defined before it is used. Define it with '&' above.")]
    [InlineData("a: &x [1, *x]", "r.yaml, line 1, column 11: the anchor '*x' contains itself. Write the value out.")]
    [InlineData("a: !!int 16", "r.yaml, line 1, column 4: the tag 'tag:yaml.org,2002:int' is not allowed in a recipe. Remove it.")]
    [InlineData("a: !ruby/object:X {}", "r.yaml, line 1, column 4: the tag '!ruby/object:X' is not allowed in a recipe. Remove it.")]
    [InlineData("x: &d {a: 1}\ny:\n  <<: *d", "r.yaml, line 3, column 3: merge keys ('<<') are not part of YAML 1.2. Repeat the settings.")]
    [InlineData("? [a]\n: 1", "r.yaml, line 1, column 3: a key is a list, expected a name. Write 'name: value'.")]
    [InlineData("a: 1\nb: x\u0001", "r.yaml, line 2, column 5: the character U+0001 is not allowed in YAML. Remove it, or write \"\\u0001\".")]
    [InlineData("~: 1", "r.yaml, line 1, column 1: a key is nothing, expected a name. Write 'name: value'.")]
    public void What_cannot_be_a_recipe_is_refused_with_its_place(string yaml, string message) =>
        Assert.Equal(message, Assert.Throws<RecipeException>(() => Parse(yaml)).Message);

    [Theory]
    [InlineData("a: 'x", 1)]
    [InlineData("a: [1, 2", 1)]
    [InlineData("a: 1\n  b: 2", 2)]
    [InlineData("a: {b: 1]", 1)]
    [InlineData("a: @x", 1)]
    [InlineData("a: b: c", 1)]
    [InlineData("a: \"\\q\"", 1)]
    [InlineData("a: \"\\ud800\"", 1)]
    [InlineData("a: \"\\UFFFFFFFF\"", 1)]
    [InlineData("%YAML 9.9.9\n---\na: 1", 1)]
    [InlineData("%TAG ! x\n%TAG ! y\n---\na: 1", 1)]
    public void Malformed_yaml_is_one_fault_with_a_line(string yaml, int line)
    {
        var refused = Assert.Throws<RecipeException>(() => Parse(yaml));

        var fault = Assert.Single(refused.Faults);
        Assert.Equal("HN1502", fault.Code);
        Assert.InRange(fault.Line, line, line + 1);
        Assert.StartsWith("this is not valid YAML: ", fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refused.Message);
    }

    [Fact]
    public void Random_bytes_and_broken_recipes_are_read_or_refused_but_never_crash()
    {
        const string Good = "base: \"m\"\ndata: &d { train: [a, 'b'], x: *e }\ntuning:\n  - |\n   text\n  - !t >-\n   more\n? k\n: v # c\n---\n...\n%T";
        var random = new Random(5);
        for (int i = 0; i < 20_000; i++)
        {
            char[] text = Good.ToCharArray();
            for (int change = random.Next(1, 6); change > 0; change--)
            {
                text[random.Next(text.Length)] = random.Next(3) == 0 ? (char)random.Next(1, 0xD800) : Good[random.Next(Good.Length)];
            }

            string yaml = new(text, 0, random.Next(text.Length));
            try
            {
                Parse(yaml);
            }
            catch (RecipeException)
            {
            }
        }
    }

    private static MapNode Parse(string yaml) => RecipeFile.ParseTree(yaml, "r.yaml", RecipeFormat.Yaml);
}
