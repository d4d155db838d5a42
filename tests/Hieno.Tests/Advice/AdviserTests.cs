using Hieno.Advice;
using Hieno.Data;
using Hieno.Objectives;
using Hieno.Recipes;
using Hieno.Tests.Shared;
using Hieno.Tests.Training;
using Hieno.Training;
using Hieno.Tuning;

namespace Hieno.Tests.Advice;

public sealed class AdviserTests
{
    private static readonly Lazy<AdviceReport> s_quickstart = new(() => Adviser.Advise(Quickstart()));

    [Fact]
    public void The_good_recipe_of_the_quickstart_is_warned_of_nothing_and_keeps_all_but_its_rate()
    {
        AdviceReport report = s_quickstart.Value;
        Assert.Empty(report.Warnings);
        Assert.Equal(["training.learningRate"], report.Recommendations.Where(item => !item.IsFollowed).Select(item => item.Setting));
        Assert.Equal("training:\n  learningRate: 0.00033\n", report.Snippet);
        Assert.Equal(3.3e-4, report.Advised.Training.LearningRate);
    }

    [Fact]
    public void Every_advice_has_a_reason_and_a_source() =>
        Assert.All(s_quickstart.Value.Recommendations, item => Assert.True(item.Reason.Length > 10 && item.Source.Length > 5 && (item.Source.Contains("[D] ours", StringComparison.Ordinal) || item.Source.Contains("20", StringComparison.Ordinal))));

    [Fact]
    public void The_base_knows_more_of_the_task_than_guessing_and_less_than_all() => Assert.InRange(s_quickstart.Value.Similarity!.Score, 0.1, 0.9);

    [Fact]
    public void The_snippet_makes_the_recipe_the_advised_one()
    {
        Recipe poor = Quickstart();
        poor = poor with { Data = poor.Data with { Validation = null }, Training = new TrainingOptions { Epochs = 1, BatchSize = 400, LearningRate = 5e-1 } };
        AdviceReport report = Adviser.Advise(poor);
        Assert.Contains("learning-rate", report.Warnings.Select(warning => warning.Id));
        Assert.Contains("random-head", report.Warnings.Select(warning => warning.Id));
        Assert.NotEqual(poor, report.Advised);

        using var folder = new TemporaryFolder();
        string pasted = RecipeWriter.ToYaml(poor, BuiltIns.Kinds());
        string path = folder.Write("recipe.yaml", Merge(pasted, report.Snippet));
        Assert.Equal(RecipeWriter.ToYaml(report.Advised, BuiltIns.Kinds()), RecipeWriter.ToYaml(Recipe.Load(path), BuiltIns.Kinds()));
        AdviceReport again = Adviser.Advise(report.Advised);
        Assert.Equal(string.Empty, again.Snippet); // advice that is followed is not given again
    }

    [Fact]
    public void Where_all_weights_do_not_fit_an_adapter_is_advised()
    {
        AdviceReport report = Adviser.Advise(Quickstart(), freeBytes: MemoryForecast.ProgramBytes + (12L << 20));
        Assert.IsType<LoRAOptions>(report.Advised.Tuning);
        Assert.Contains("memory", report.Warnings.Select(warning => warning.Id));
        Assert.Contains("kind: lora", report.Snippet, StringComparison.Ordinal);
        Assert.DoesNotContain("rank", report.Snippet, StringComparison.Ordinal); // only what is not the default
    }

    [Theory]
    [InlineData("causal-lm")]
    [InlineData("sft")]
    [InlineData("masked-lm")]
    [InlineData("regression")]
    [InlineData("multi-label-classification")]
    public void Every_task_is_advised(string task)
    {
        using TinyRun run = task is "causal-lm" or "sft" ? TinyRun.Language() : TinyRun.Classifier();
        run.Write("numbers.jsonl", string.Concat(Enumerable.Range(0, 40).Select(i => $$"""{"text": "the red bird sings {{(i % 3 == 0 ? "small" : "large")}}", "label": {{(task == "regression" ? (i % 3).ToString(System.Globalization.CultureInfo.InvariantCulture) : i % 3 == 0 ? "[\"a\"]" : "[\"b\"]")}}}""" + "\n")));
        Recipe recipe = run.Recipe() with
        {
            Start = Start.Random,
            Task = task switch
            {
                "causal-lm" => new CausalLanguageModelingOptions(),
                "masked-lm" => new MaskedLanguageModelingOptions(),
                "regression" => new RegressionOptions(),
                "sft" => new SupervisedFineTuningOptions(),
                _ => new MultiLabelClassificationOptions(),
            },
            Data = new DataOptions { Train = [run["numbers.jsonl"]] },
        };
        recipe = task == "sft" ? recipe with { Data = run.Recipe().Data } : recipe;
        TinyRun.Train(recipe with { Training = recipe.Training with { MaxSteps = 1 } }); // a base with weights
        AdviceReport report = Adviser.Advise(recipe with { Start = Start.Pretrained, Base = Path.Combine(recipe.Output, RunFolder.FinalName) });
        Assert.NotNull(report.Similarity);
        Assert.InRange(report.Similarity.Score, 0, 1);
        Assert.NotEmpty(report.Memory);
        Assert.Contains(report.Recommendations, item => item.Setting == "training.learningRate");
    }

    [Fact]
    public void A_model_that_starts_at_random_has_no_similarity_and_all_of_it_learns()
    {
        AdviceReport report = Adviser.Advise(Quickstart() with { Start = Start.Random, Tuning = new HeadOptions() });
        Assert.Null(report.Similarity);
        Assert.IsType<FullOptions>(report.Advised.Tuning);
    }

    [Fact]
    public void Nothing_is_written_and_advice_is_the_same_again()
    {
        AdviceReport again = Adviser.Advise(Quickstart());
        Assert.Equal(s_quickstart.Value.Similarity, again.Similarity);
        Assert.False(Directory.Exists(again.Recipe.Output));
    }

    internal static Recipe Quickstart()
    {
        string Of(string path) => Path.Combine(SharedFolder.RepositoryRoot, path);
        Recipe recipe = Recipe.Load(Of("samples/quickstart/recipe.yaml"));
        return recipe with
        {
            Base = Of(recipe.Base),
            Data = recipe.Data with { Train = [Of(recipe.Data.Train[0])], Validation = Of(recipe.Data.Validation!), Test = Of(recipe.Data.Test!) },
            Output = Path.Combine(Path.GetTempPath(), "hieno-advice-that-never-runs"),
        };
    }

    // As a person would: settings of the piece replace those of the recipe, group by group.
    private static string Merge(string recipe, string piece)
    {
        MapNode Read(string text) => RecipeFile.ParseTree(text, "recipe.yaml", RecipeFormat.Yaml);
        MapNode Over(MapNode below, MapNode above) => new(
            [.. below.Entries.Select(entry => above.Find(entry.Key) is not { } other ? entry
                : entry with { Value = entry.Value is MapNode a && other.Value is MapNode b && b.Find("kind") is null ? Over(a, b) : other.Value })],
            below.Position);
        return RecipeWriter.ToYaml(Over(Read(recipe), Read(piece)));
    }
}
