using Hieno.Advice;
using Hieno.Data;
using Hieno.Objectives;
using Hieno.Recipes;
using Hieno.Tests.Training;
using Hieno.Training;

namespace Hieno.Tests.Advice;

public sealed class RowFactsTests
{
    [Fact]
    public void Labels_lengths_leaks_and_cut_rows_are_counted()
    {
        using TinyRun run = TinyRun.Classifier();
        run.Write("train.jsonl", """
            {"text": "red", "label": "a"}
            {"text": "red green", "label": "a"}
            {"text": "red green blue bird fish stone river", "label": "b"}

            """);
        run.Write("validation.jsonl", """
            {"text": "red", "label": "a"}
            {"text": "fish", "label": "b"}

            """);
        RowFacts rows = Read(run, new Classification(new ClassificationOptions()), maxLength: 5);
        Assert.Equal((3, 2, 0), (rows.Train, rows.Validation, rows.Test));
        Assert.Equal([5, 4, 3], rows.Lengths);
        Assert.Equal((1, 1), (rows.Cut, rows.Leaked));
        Assert.Equal([("a", 2), ("b", 1)], rows.Labels.Select(pair => (pair.Key, pair.Value)));
        Assert.Null(rows.Deviation);
    }

    [Fact]
    public void The_spread_of_numbers_is_measured()
    {
        using TinyRun run = TinyRun.Classifier();
        run.Write("train.jsonl", """
            {"text": "red", "label": 10}
            {"text": "green", "label": 30}

            """);
        run.Write("validation.jsonl", """{"text": "red", "label": 1}""" + "\n");
        Assert.Equal(10.0, Read(run, new Regression(), maxLength: 5).Deviation);
    }

    [Fact]
    public void Rows_that_teach_an_end_are_told_from_those_that_lost_it()
    {
        using TinyRun run = TinyRun.Language();
        RowFacts whole = Read(run, new SupervisedFineTuning(new SupervisedFineTuningOptions()), maxLength: 64);
        RowFacts cut = Read(run, new SupervisedFineTuning(new SupervisedFineTuningOptions()), maxLength: 12);
        Assert.Equal((20, 0), (whole.WithLearnedEnd, whole.Cut));
        Assert.Equal(cut.Train, cut.WithLearnedEnd + cut.Cut); // a row is cut exactly where its end is gone
        Assert.True(cut.Cut > 0);
    }

    [Fact]
    public void A_run_tells_its_warnings_as_events_and_in_its_folder_unless_silenced()
    {
        using TinyRun run = TinyRun.Classifier();
        Recipe recipe = run.Recipe(training: TinyRun.Training(epochs: 5));
        (_, List<TrainingEvent> events) = TinyRun.Train(recipe);
        RunWarning told = Assert.Single(events.OfType<RunWarning>());
        Assert.Equal("no-validation", told.Id);
        Assert.Contains("\"event\":\"warning\"", File.ReadAllText(Path.Combine(recipe.Output, RunFolder.EventsFileName)).Replace(": ", ":", StringComparison.Ordinal), StringComparison.Ordinal);
        (_, events) = TinyRun.Train(recipe with { Silence = ["no-validation"], Output = run["silent"] });
        Assert.Empty(events.OfType<RunWarning>());
        Assert.Equal(TinyRun.FinalHash(recipe), TinyRun.HashOf(Path.Combine(run["silent"], RunFolder.FinalName)));
    }

    private static RowFacts Read(TinyRun run, IObjective objective, int maxLength)
    {
        var options = new DataOptions { Train = [run["train.jsonl"]], Validation = run["validation.jsonl"] };
        var data = DataSplit.Read(options, seed: 1);
        ModelTokenizer tokenizer = ModelTokenizer.Load(run.Base);
        objective.Prepare(new ObjectiveContext(tokenizer, Formats.ModelConfig.Read(run.Base), options, maxLength, _ => { }), data.Train);
        return RowFacts.Of(objective, tokenizer, objective.Encode(data.Train, []), objective.Encode(data.Validation, []), []);
    }
}
