using Hieno.Recipes;
using static Hieno.Tests.Recipes.TestCatalog;

namespace Hieno.Tests.Recipes;

public class RecipeOverridesTests
{
    [Theory]
    [InlineData("--tuning.rank", "16")]
    [InlineData("--tuning.rank=16")]
    public void A_flag_wins_over_the_file(params string[] args) =>
        Assert.Equal(16, Assert.IsType<LoraGroup>(Read("{ base: m, tuning: { kind: lora, rank: 4 } }", args).Tuning).Rank);

    [Fact]
    public void A_flag_sets_what_the_file_does_not_mention()
    {
        var recipe = Read("base: m", "--training.earlyStopping.patience", "3", "--training.max-steps", "10", "--comment", "null");

        Assert.Equal(3, recipe.Training.EarlyStopping!.Patience);
        Assert.Equal(10, recipe.Training.MaxSteps);
        Assert.Null(recipe.Comment);
    }

    [Theory]
    [InlineData("--data.train", "a.jsonl,b.jsonl")]
    [InlineData("--data.train", "a.jsonl", "--data.train", "b.jsonl")]
    [InlineData("--data.train=[a.jsonl, 'b.jsonl']")]
    public void A_list_is_given_by_commas_by_repeating_the_flag_or_in_brackets(params string[] args) =>
        Assert.Equal(["a.jsonl", "b.jsonl"], Read("{ base: m, data: { train: [x, y, z] } }", args).Data.Train);

    [Fact]
    public void Brackets_keep_a_comma_in_a_value() => Assert.Equal(["a,b"], Read("base: m", "--data.train", "['a,b']").Data.Train);

    [Fact]
    public void A_text_setting_takes_its_value_as_it_is() => Assert.Equal("[a, b", Read("base: m", "--comment", "[a, b").Comment);

    [Fact]
    public void An_empty_value_is_an_empty_text() => Assert.Equal("", Read("base: m", "--comment=").Comment);

    [Fact]
    public void A_value_may_hold_an_equals_sign_or_begin_with_two_hyphens()
    {
        Assert.Equal("a=b", Read("base: m", "--comment=a=b").Comment);
        Assert.Equal("--x", Read("base: m", "--comment=--x").Comment);
    }

    [Fact]
    public void A_negative_number_is_a_value() =>
        Assert.Equal("'tuning.rank' must be from 1 to 1024, got '-1'.", Assert.Single(Refused("base: m", "--tuning.rank", "-1").Faults).Message);

    [Theory]
    [InlineData("--training.packing")]
    [InlineData("--training.packing", "true")]
    [InlineData("--training.packing", "--training.epochs", "2")]
    public void A_flag_without_a_value_means_true(params string[] args) => Assert.True(Read("base: m", args).Training.Packing);

    [Fact]
    public void A_kebab_flag_replaces_the_key_of_the_file() =>
        Assert.Equal(4, Read("{ base: m, training: { batchSize: 2 } }", "--training.batch-size", "4").Training.BatchSize);

    [Fact]
    public void Names_of_a_table_are_kept_as_they_are() =>
        Assert.Equal("b", Read("base: m", "--data.columns.my-column", "b").Data.Columns["my-column"]);

    [Theory]
    [InlineData("--tuning", "full")]
    [InlineData("--tuning.kind", "full")]
    [InlineData("--tuning=full")]
    public void A_flag_switches_the_kind_and_says_what_it_leaves_out(params string[] args)
    {
        var binding = Bind("base: m\ntuning:\n  kind: lora\n  rank: 4\n  dropout: 0.5", args);

        Assert.Equal(new FullGroup { Dropout = 0.5f }, binding.Value.Tuning);
        Assert.Equal(["recipe.yaml, line 4, column 3: 'tuning.rank' is left out, because full has no such setting."], binding.Notes);
    }

    [Fact]
    public void A_switched_kind_does_not_hide_a_misspelt_key()
    {
        var fault = Assert.Single(Refused("base: m\ntuning:\n  kind: lora\n  dorpout: 0.5", "--tuning", "full").Faults);

        Assert.Equal("'tuning.dorpout' is not a setting of full. Did you mean 'dropout'?", fault.Message);
    }

    [Theory]
    [InlineData("base: m\ntuning: full")]
    [InlineData("base: m\ntuning: { kind: full }")]
    [InlineData("base: m")]
    public void A_kind_and_its_settings_can_be_given_in_any_order(string yaml)
    {
        var expected = Read("{ base: m, tuning: { kind: lora, rank: 2 } }");

        Assert.Equal(expected, Read(yaml, "--tuning", "lora", "--tuning.rank", "2"));
        Assert.Equal(expected, Read(yaml, "--tuning.rank", "2", "--tuning", "lora"));
    }

    [Fact]
    public void The_same_kind_by_flag_keeps_the_settings_of_the_file()
    {
        var binding = Bind("{ base: m, tuning: { kind: lora, rank: 2 } }", "--tuning", "lora");

        Assert.Equal(2, Assert.IsType<LoraGroup>(binding.Value.Tuning).Rank);
        Assert.Empty(binding.Notes);
    }

    [Fact]
    public void A_flag_replaces_a_value_of_the_wrong_type() => Assert.Equal(["x"], Read("{ base: m, data: { train: { a: b } } }", "--data.train", "x").Data.Train);

    [Theory]
    [InlineData("command line: --tuning.rnak: 'tuning.rnak' is not a setting of lora. Did you mean 'rank'?", "--tuning.rnak", "16")]
    [InlineData("command line: --tuning.rank: 'tuning.rank' must be a whole number, got 'x'.", "--tuning.rank=x")]
    [InlineData("command line: --tuning.rank: 'tuning.rank' must be a whole number, got no value.", "--tuning.rank")]
    [InlineData("command line: --tuning.rank: 'tuning.rank' must be a whole number, got 2 values.", "--tuning.rank", "1", "--tuning.rank", "2")]
    [InlineData("command line: --tuning: 'tuning' has no kind 'lroa'. Did you mean 'lora'? Known kinds: full, lora.", "--tuning", "lroa")]
    [InlineData("command line: --data: 'data' must be a group of settings, got 'x'. Its settings: train, validation, columns.", "--data", "x")]
    [InlineData("command line: --base.x: 'base.x' is not a setting of 'base', which is text.", "--base.x", "1")]
    [InlineData("command line: --tuning.targets: 'tuning.targets' must be at least 1 entry long, got ''.", "--tuning.targets=")]
    [InlineData("command line: rank: 'rank' is not a flag. Write '--key value', and quote values with spaces.", "rank")]
    [InlineData("command line: --: '--' is not the path of a setting. Write '--group.key value'.", "--")]
    [InlineData("command line: --tuning..rank: '--tuning..rank' is not the path of a setting. Write '--group.key value'.", "--tuning..rank", "1")]
    [InlineData("command line: --data.train.0: 'data.train' is a list (recipe.yaml, line 1, column 27). Give the whole list by --data.train.", "--data.train.0", "x")]
    public void A_fault_names_the_flag(string message, params string[] args) =>
        Assert.Equal(message, Refused("{ base: m, data: { train: [a] } }", args).Message);

    [Fact]
    public void A_tree_keeps_its_values_when_flags_are_applied_to_it()
    {
        var tree = RecipeFile.ParseTree("{ base: m, output: a }", "r", RecipeFormat.Yaml);

        var applied = RecipeOverrides.Parse(["--output", "b"]).ApplyTo(tree);

        Assert.Equal("a", ((ScalarNode)tree.Find("output")!.Value).Text);
        var output = (ScalarNode)applied.Find("output")!.Value;
        Assert.Equal("b", output.Text);
        Assert.Equal("command line: --output", output.Position.ToString());
        Assert.Same(tree.Find("output")!.Value, output.Replaced);
    }

    [Fact]
    public void No_flags_change_nothing()
    {
        var none = RecipeOverrides.Parse([]);

        Assert.True(none.IsEmpty);
        Assert.Equal(Read("base: m"), Read("base: m", []));
    }
}
