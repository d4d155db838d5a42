using Hieno.Formats;
using Hieno.Recipes;
using static Hieno.Tests.Recipes.TestCatalog;

namespace Hieno.Tests.Recipes;

public class RecipeBinderTests
{
    [Fact]
    public void Settings_that_are_not_given_keep_their_defaults()
    {
        var recipe = Read("base: model");

        Assert.Equal("model", recipe.Base);
        Assert.Equal("runs/last", recipe.Output);
        Assert.Null(recipe.Comment);
        var lora = Assert.IsType<LoraGroup>(recipe.Tuning);
        Assert.Equal(8, lora.Rank);
        Assert.Equal(["q_proj", "v_proj"], lora.Targets);
        Assert.Equal(2e-4, recipe.Training.LearningRate);
    }

    [Fact]
    public void Every_type_of_setting_is_read()
    {
        var recipe = Read("""
            base: ./models/qwen
            comment: "16"
            data:
              train: [a.jsonl, 'b.jsonl']
              validation: 500
              columns: { prompt: question, response: "true" }
            tuning: { kind: full, embeddings: false, dropout: 0.25 }
            training:
              epochs: 1e2
              batchSize: 0x10
              maxSteps: 9223372036854775807
              seed: 18446744073709551615
              learningRate: 3.5e-5
              packing: True
              precision: bf16
              decays: [0, 0.1]
              schedule: null
              earlyStopping: { patience: 3 }
            metrics: [perplexity, { kind: rouge, order: 2 }]
            """);

        Assert.Equal("16", recipe.Comment);
        Assert.Equal(["a.jsonl", "b.jsonl"], recipe.Data.Train);
        Assert.Equal(Share.OfCount(500), recipe.Data.Validation);
        Assert.Equal(new() { ["prompt"] = "question", ["response"] = "true" }, recipe.Data.Columns.ToDictionary());
        Assert.Equal(new FullGroup { Embeddings = false, Dropout = 0.25f }, recipe.Tuning);
        Assert.Equal(100, recipe.Training.Epochs);
        Assert.Equal(16, recipe.Training.BatchSize);
        Assert.Equal(long.MaxValue, recipe.Training.MaxSteps);
        Assert.Equal(ulong.MaxValue, recipe.Training.Seed);
        Assert.Equal(3.5e-5, recipe.Training.LearningRate);
        Assert.True(recipe.Training.Packing);
        Assert.Equal("bf16", recipe.Training.Precision);
        Assert.Equal([0f, 0.1f], recipe.Training.Decays);
        Assert.Null(recipe.Training.Schedule);
        Assert.Equal(3, recipe.Training.EarlyStopping!.Patience);
        Assert.Equal([new PerplexityGroup(), new RougeGroup { Order = 2 }], recipe.Metrics);
    }

    [Theory]
    [InlineData("weighted-mean", Pooling.WeightedMean)]
    [InlineData("weightedMean", Pooling.WeightedMean)]
    [InlineData("WeightedMean", Pooling.WeightedMean)]
    [InlineData("weighted_mean", Pooling.WeightedMean)]
    [InlineData("'last-token'", Pooling.LastToken)]
    [InlineData("cls", Pooling.First)]
    public void A_choice_is_read_in_any_casing(string text, Pooling expected) =>
        Assert.Equal(expected, Read($"{{ base: m, training: {{ pooling: {text} }} }}").Training.Pooling);

    [Fact]
    public void A_single_value_is_a_list_of_one()
    {
        var recipe = Read("{ base: m, data: { train: a.jsonl }, metrics: perplexity }");

        Assert.Equal(["a.jsonl"], recipe.Data.Train);
        Assert.Equal([new PerplexityGroup()], recipe.Metrics);
    }

    [Fact]
    public void A_bare_word_is_short_for_a_kind() => Assert.Equal(new ConstantGroup(), Read("{ base: m, training: { schedule: constant } }").Training.Schedule);

    [Fact]
    public void A_group_without_a_kind_has_the_kind_of_its_default() =>
        Assert.Equal(16, Assert.IsType<LoraGroup>(Read("{ base: m, tuning: { rank: 16 } }").Tuning).Rank);

    [Fact]
    public void What_a_group_leaves_out_comes_from_the_default_of_the_setting_not_of_the_type()
    {
        var catalog = new KindCatalog();
        var outer = RecipeFile.Parse<Outer>("inner: { a: 5 }", "r", RecipeFormat.Yaml, catalog).Value;

        Assert.Equal(new Inner { A = 5, B = 20 }, outer.Inner);
    }

    [Fact]
    public void Defaults_shared_between_records_are_not_written_to()
    {
        _ = RecipeFile.Parse<Outer>("inner: { a: 5 }", "r", RecipeFormat.Yaml, new KindCatalog());

        Assert.Equal(new Inner { A = 10, B = 20 }, Outer.Shared);
    }

    [Fact]
    public void Records_bound_from_the_same_recipe_are_equal_lists_included()
    {
        const string Recipe = "{ base: m, data: { train: [a, b], columns: { x: y } }, metrics: [perplexity] }";

        Assert.Equal(Read(Recipe), Read(Recipe));
        Assert.Equal(Read(Recipe).GetHashCode(), Read(Recipe).GetHashCode());
        Assert.NotEqual(Read(Recipe), Read(Recipe.Replace("[a, b]", "[a, c]", StringComparison.Ordinal)));
        Assert.Equal(Read(Recipe), Read("{ base: m, data: { columns: { x: y }, train: [a, b] }, tuning: { targets: [q_proj, v_proj] }, metrics: perplexity }"));
    }

    [Theory]
    // Unknown keys.
    [InlineData("base: m\ntuning:\n  kind: lora\n  rnak: 4", 4, 3, "HN1505", "'tuning.rnak' is not a setting of lora. Did you mean 'rank'?")]
    [InlineData("base: m\ntraining:\n    batch_size: 4", 3, 5, "HN1505", "'training.batch_size' is not a setting of 'training'. Did you mean 'batchSize'?")]
    [InlineData("base: m\nlearningRate: 1e-4", 2, 1, "HN1505", "'learningRate' is not a setting of a recipe. Did you mean 'training.learningRate'?")]
    [InlineData("base: m\ntuning: { kind: full, rank: 4 }", 2, 23, "HN1505", "'tuning.rank' is not a setting of full. It is a setting of lora. Settings: kind, dropout, embeddings.")]
    [InlineData("base: m\nzzzzzz: 4", 2, 1, "HN1505", "'zzzzzz' is not a setting of a recipe. Settings: base, output, comment, data, tuning, training, metrics.")]
    [InlineData("base: m\ntraining: { schedule: { kind: constant, x: 1 } }", 2, 41, "HN1505", "'training.schedule.x' is not a setting of constant. Settings: kind.")]
    // Kinds.
    [InlineData("base: m\ntuning: { kind: lroa }", 2, 17, "HN1506", "'tuning' has no kind 'lroa'. Did you mean 'lora'? Known kinds: full, lora.")]
    [InlineData("base: m\ntuning: bitfit", 2, 9, "HN1506", "'tuning' has no kind 'bitfit'. Known kinds: full, lora.")]
    [InlineData("base: m\ntuning: { kind: [full] }", 2, 17, "HN1506", "'tuning' has no kind a list. Known kinds: full, lora.")]
    [InlineData("base: m\nmetrics:\n  - order: 2", 3, 5, "HN1506", "'metrics[0]' does not say its kind. Add 'kind', one of: perplexity, rouge.")]
    [InlineData("base: m\ntuning: [lora]", 2, 9, "HN1508", "'tuning' must be one of the kinds: full, lora, got a list.")]
    // Missing.
    [InlineData("output: x", 1, 1, "HN1507", "'base' is missing and has no default. Add it, or give --base.")]
    [InlineData("base: m\ntraining:\n  earlyStopping: {}", 3, 18, "HN1507", "'training.earlyStopping.patience' is missing and has no default. Add it, or give --training.earlyStopping.patience.")]
    [InlineData("base: m\nmetrics: [rouge]", 2, 11, "HN1507", "'metrics[0].order' is missing and has no default. Add it.")]
    // Types.
    [InlineData("base: m\ntuning: { rank: eight }", 2, 17, "HN1508", "'tuning.rank' must be a whole number, got 'eight'.")]
    [InlineData("base: m\ntuning: { rank: 1.5 }", 2, 17, "HN1508", "'tuning.rank' must be a whole number, got '1.5'.")]
    [InlineData("base: m\ntuning: { rank: \"16\" }", 2, 17, "HN1508", "'tuning.rank' must be a whole number, got the text \"16\". Remove the quotes.")]
    [InlineData("base: m\ntuning: { rank: 3000000000 }", 2, 17, "HN1508", "'tuning.rank' must be a whole number from -2147483648 to 2147483647, got '3000000000'.")]
    [InlineData("base: m\ntraining: { seed: -1 }", 2, 19, "HN1508", "'training.seed' must be a whole number from 0 to 18446744073709551615, got '-1'.")]
    [InlineData("base: m\ntuning: { alpha: 1,5 }", 2, 20, "HN1505", "'tuning.5' is not a setting of lora. Settings: kind, dropout, rank, alpha, targets.")]
    [InlineData("base: m\ntraining: { learningRate: .nan }", 2, 27, "HN1508", "'training.learningRate' must be a number, got '.nan'.")]
    [InlineData("base: m\ntuning: { alpha: 1e39 }", 2, 18, "HN1508", "'tuning.alpha' must be a number, got '1e39'.")]
    [InlineData("base: m\ntraining: { packing: yes }", 2, 22, "HN1508", "'training.packing' must be true or false, got 'yes'. Write true.")]
    [InlineData("base: m\ntraining: { packing: \"true\" }", 2, 22, "HN1508", "'training.packing' must be true or false, got the text \"true\". Remove the quotes.")]
    [InlineData("base: m\ntraining: { pooling: maen }", 2, 22, "HN1508", "'training.pooling' must be one of: mean, weighted-mean, last-token, cls, got 'maen'. Did you mean 'mean'?")]
    [InlineData("base: m\ntuning: { targets: [a, [b]] }", 2, 24, "HN1508", "'tuning.targets[1]' must be text, got a list.")]
    [InlineData("base: m\ntuning: { targets: { a: b } }", 2, 20, "HN1508", "'tuning.targets' must be a list of text, got a group of settings.")]
    [InlineData("base: m\ndata: { validation: some }", 2, 21, "HN1508", "'data.validation' must be a share (10%) or a count (500), got 'some'.")]
    [InlineData("base: m\ndata: { validation: 110% }", 2, 21, "HN1508", "'data.validation' must be a share (10%) or a count (500), got '110%'.")]
    [InlineData("base: m\ndata: { columns: [a] }", 2, 18, "HN1508", "'data.columns' must be a group of names, each with text, got a list. Write 'name: value' lines under it.")]
    [InlineData("base: m\ndata: train.jsonl", 2, 7, "HN1508", "'data' must be a group of settings, got 'train.jsonl'. Write its settings under it: train, validation, columns.")]
    [InlineData("base:", 1, 6, "HN1508", "'base' must be text, got nothing. Give a value, or remove the key to have the default.")]
    [InlineData("base: m\ntuning: { rank: ~ }", 2, 17, "HN1508", "'tuning.rank' must be a whole number, got nothing. Give a value, or remove the key to have the default.")]
    // Ranges.
    [InlineData("base: m\ntuning: { rank: 0 }", 2, 17, "HN1509", "'tuning.rank' must be from 1 to 1024, got '0'.")]
    [InlineData("base: m\ntuning: { dropout: 1 }", 2, 20, "HN1509", "'tuning.dropout' must be at least 0 and below 1, got '1'.")]
    [InlineData("base: m\ntraining: { batchSize: 0 }", 2, 24, "HN1509", "'training.batchSize' must be at least 1, got '0'.")]
    [InlineData("base: m\ntraining: { learningRate: 0 }", 2, 27, "HN1509", "'training.learningRate' must be above 0 and at most 1, got '0'.")]
    [InlineData("base: m\ntraining: { decays: [0.05, 0.2] }", 2, 28, "HN1509", "'training.decays[1]' must be from 0 to 0.1, got '0.2'.")]
    [InlineData("base: m\ntuning: { targets: [] }", 2, 20, "HN1509", "'tuning.targets' must be at least 1 entry long, got a list.")]
    [InlineData("base: m\ntraining: { precision: fp16 }", 2, 24, "HN1509", "'training.precision' must be one of: f32, bf16, f16, got 'fp16'. Did you mean 'f16'?")]
    // Rules across settings.
    [InlineData("base: m\ntraining:\n  maxSteps: 300\n  schedule: { kind: cosine, warmup: 500 }", 4, 37, "HN1510", "'training.schedule.warmup' is 500, more than the 300 steps of 'maxSteps'. Lower it.")]
    [InlineData("base: m\ntraining:\n  packing: true\n  pooling: cls", 3, 3, "HN1510", "Packed rows have no single last token. Use 'pooling: mean', or 'packing: false'.")]
    public void A_fault_names_its_place_and_what_to_do(string yaml, int line, int column, string code, string message)
    {
        var refused = Refused(yaml);

        var fault = Assert.Single(refused.Faults);
        Assert.Equal(("recipe.yaml", line, column, code, message), (fault.File, fault.Line, fault.Column, fault.Code, fault.Message));
        Assert.Equal(code, refused.Code);
        Assert.Equal($"recipe.yaml, line {line}, column {column}: {message}", refused.Message);
    }

    [Fact]
    public void All_faults_are_reported_at_once_in_the_order_of_the_file_and_flags_last()
    {
        var refused = Refused(
            """
            tuning:
              rnak: 4
              alpha: loud
            output: a
            output: b
            training: { epochs: 0, schedule: cosin }
            """,
            "--data.trian", "x");

        Assert.Equal(
            """
            recipe.yaml, line 1, column 1: 'base' is missing and has no default. Add it, or give --base.
            recipe.yaml, line 2, column 3: 'tuning.rnak' is not a setting of lora. Did you mean 'rank'?
            recipe.yaml, line 3, column 10: 'tuning.alpha' must be a number, got 'loud'.
            recipe.yaml, line 5, column 1: 'output' is given twice, first in line 4. Remove one.
            recipe.yaml, line 6, column 21: 'training.epochs' must be from 1 to 1000, got '0'.
            recipe.yaml, line 6, column 34: 'training.schedule' has no kind 'cosin'. Did you mean 'cosine'? Known kinds: constant, cosine.
            command line: --data.trian: 'data.trian' is not a setting of 'data'. Did you mean 'train'?
            """.ReplaceLineEndings("\n"),
            refused.Message);
    }

    [Fact]
    public void Very_many_faults_are_cut_in_the_message_but_not_in_the_list()
    {
        var refused = Refused("base: m\n" + string.Concat(Enumerable.Range(0, 500).Select(i => $"zz{i}: 1\n")));

        Assert.Equal(500, refused.Faults.Count);
        Assert.EndsWith("\n… and 400 more faults.", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_long_or_multi_line_value_stays_one_short_line_in_a_message()
    {
        var fault = Assert.Single(Refused($"{{ base: m, tuning: {{ rank: \"a\\nb{new string('x', 200)}\" }} }}").Faults);

        Assert.Equal($"'tuning.rank' must be a whole number, got the text \"a\\u000ab{new string('x', 57)}…\".", fault.Message);
    }

    [Fact]
    public void A_third_party_adds_a_kind_by_the_same_call()
    {
        var catalog = Create().Add<TuningGroup, ForeignGroup>("foreign");
        var recipe = RecipeFile.Parse<TestRecipe>("{ base: m, tuning: { kind: foreign, depth: 3, dropout: 0.5 } }", "r", RecipeFormat.Yaml, catalog).Value;

        Assert.Equal(new ForeignGroup { Depth = 3, Dropout = 0.5f }, recipe.Tuning);
    }

    [Fact]
    public void A_record_with_a_property_that_cannot_be_a_setting_is_a_programming_fault()
    {
        var e = Assert.Throws<InvalidOperationException>(() => RecipeFile.Parse<Impossible>("{}", "r", RecipeFormat.Yaml, new KindCatalog()));

        Assert.StartsWith("Impossible.When: DateTime cannot be a setting.", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_limit_on_a_type_that_cannot_have_it_is_a_programming_fault()
    {
        var e = Assert.Throws<InvalidOperationException>(() => RecipeFile.Parse<IdleLimit>("{}", "r", RecipeFormat.Yaml, new KindCatalog()));

        Assert.StartsWith("IdleLimit.Part: [Range] cannot limit a share (10%) or a count (500).", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_setting_named_kind_in_a_group_with_kinds_is_a_programming_fault()
    {
        var catalog = new KindCatalog().Add<ScheduleGroup, Kinded>("kinded");

        var e = Assert.Throws<InvalidOperationException>(() => RecipeFile.Parse<Kinded>("{}", "r", RecipeFormat.Yaml, catalog));

        Assert.StartsWith("Kinded.Kind: 'kind' chooses the kind of the group.", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_abstract_setting_without_kinds_is_a_programming_fault()
    {
        var e = Assert.Throws<InvalidOperationException>(() => RecipeFile.Parse<TestRecipe>("base: m", "r", RecipeFormat.Yaml, new KindCatalog()));

        Assert.StartsWith("TestRecipe.Tuning: no kind of TuningGroup is in the catalog.", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_code_of_a_fault_is_a_documented_one() =>
        Assert.Equal(
            ["HN1501", "HN1502", "HN1503", "HN1504", "HN1505", "HN1506", "HN1507", "HN1508", "HN1509", "HN1510", "HN1511", "HN1512"],
            typeof(ErrorCodes).GetFields().Where(f => f.Name.StartsWith("Recipe", StringComparison.Ordinal)).Select(f => (string)f.GetValue(null)!).Order());

    public sealed record ForeignGroup : TuningGroup
    {
        public int Depth { get; init; } = 1;
    }

    public sealed record Outer
    {
        public static readonly Inner Shared = new() { A = 10, B = 20 };

        public Inner Inner { get; init; } = Shared;
    }

    public sealed record Inner
    {
        public int A { get; init; } = 1;

        public int B { get; init; } = 2;
    }

    public sealed record IdleLimit
    {
        [System.ComponentModel.DataAnnotations.Range(0, 1)]
        public Share Part { get; init; }
    }

    public sealed record Kinded : ScheduleGroup
    {
        public string Kind { get; init; } = "";
    }

    public sealed record Impossible
    {
        public DateTime When { get; init; }
    }
}
