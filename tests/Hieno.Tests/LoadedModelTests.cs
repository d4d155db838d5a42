using Hieno.Data;
using Hieno.Formats;
using Hieno.Formats.Durable;
using Hieno.Models;
using Hieno.Objectives;
using Hieno.Recipes;
using Hieno.Tensors;
using Hieno.Tests.Training;
using Hieno.Training;
using Hieno.Tuning;

namespace Hieno.Tests;

public sealed class LoadedModelTests
{
    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void A_run_opens_as_what_it_was_tuned_for_and_says_what_it_said_at_the_end(bool classifier, bool lora)
    {
        using TinyRun run = classifier ? TinyRun.Classifier() : TinyRun.Language();
        Recipe recipe = Trained(run, lora, out RunCompleted result);
        LoadedModel opened = LoadedModel.Open(recipe.Output);
        Assert.Equal(lora, opened.Adapter is not null);
        Assert.Equal(classifier, opened.Text.ClassificationHead is not null);
        if (classifier)
        {
            Assert.Equal(["blue", "green", "red"], opened.Config.GetLabels());
        }

        // What it measures on the test rows is what the run reported.
        IReadOnlyDictionary<string, double> measured = Measure(opened, recipe);
        Assert.Equal(result.After.Keys, measured.Keys);
        Assert.All(result.After, metric => Assert.Equal(metric.Value, measured[metric.Key], 1e-9));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_merged_model_gives_the_outputs_of_the_adapter_which_stays_as_it_was(bool classifier)
    {
        using TinyRun run = classifier ? TinyRun.Classifier() : TinyRun.Language();
        Recipe recipe = Trained(run, lora: true, out _);
        LoadedModel adapted = LoadedModel.Open(recipe.Output);
        float[] before = Outputs(adapted);
        adapted.SaveMerged(run["merged"]);
        adapted.SaveMerged(run["merged-again"]);
        Assert.Equal(before, Outputs(adapted));
        Assert.Equal(TinyRun.HashOf(run["merged"]), TinyRun.HashOf(run["merged-again"]));

        LoadedModel merged = LoadedModel.Open(run["merged"]);
        Assert.Null(merged.Adapter);
        Assert.Equal(adapted.Config.GetLabels(), merged.Config.GetLabels());
        Assert.Equal(classifier ? ["BertForSequenceClassification"] : ["GPT2LMHeadModel"], merged.Config.GetStrings("architectures"));
        Assert.All(before.Zip(Outputs(merged)), pair => Assert.Equal(pair.First, pair.Second, 1e-5f));
    }

    [Fact]
    public void A_merged_model_is_not_written_over_anything()
    {
        using TinyRun run = TinyRun.Language();
        LoadedModel adapted = LoadedModel.Open(Trained(run, lora: true, out _).Output);
        string before = TinyRun.HashOf(run.Base);
        Assert.Equal(ErrorCodes.StorageExists, Assert.Throws<StorageException>(() => adapted.SaveMerged(run.Base)).Code);
        Assert.Equal(before, TinyRun.HashOf(run.Base));
        Assert.Throws<InvalidOperationException>(() => LoadedModel.Open(run.Base).SaveMerged(run["merged"]));
    }

    [Fact]
    public void The_base_of_an_adapter_is_found_where_it_was_or_where_one_says_it_is()
    {
        using TinyRun run = TinyRun.Language();
        Recipe recipe = Trained(run, lora: true, out _);
        string adapter = Path.Combine(recipe.Output, RunFolder.FinalName);
        float[] expected = Outputs(LoadedModel.Open(adapter));

        string moved = run["moved"];
        Directory.Move(run.Base, moved);
        CheckpointException error = Assert.Throws<CheckpointException>(() => LoadedModel.Open(adapter));
        Assert.Contains(run.Base, error.Message, StringComparison.Ordinal);
        Assert.Contains("--base", error.Message, StringComparison.Ordinal);
        Assert.Equal(expected, Outputs(LoadedModel.Open(adapter, baseModel: moved)));

        // A relative name is meant from the adapter's folder, where it is not found from the current one.
        string config = Path.Combine(adapter, "adapter_config.json");
        File.WriteAllText(config, File.ReadAllText(config).Replace(run.Base, "../../moved", StringComparison.Ordinal));
        Assert.Equal(expected, Outputs(LoadedModel.Open(adapter)));
    }

    [Fact]
    public void A_run_that_has_not_ended_is_refused_with_the_way_to_end_it()
    {
        using TinyRun run = TinyRun.Language();
        Recipe recipe = run.Recipe();
        TinyRun.TrainUntil(recipe, 2);
        CheckpointException error = Assert.Throws<CheckpointException>(() => LoadedModel.Open(recipe.Output));
        Assert.Contains("--resume", error.Message, StringComparison.Ordinal);
    }

    // An adapter needs a base with weights.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_run_of_several_methods_opens_with_all_of_them_and_merges(bool classifier)
    {
        using TinyRun run = classifier ? TinyRun.Classifier() : TinyRun.Language();
        Recipe recipe = Trained(run, new SeveralOptions { Methods = [new IA3Options(), new LoRAOptions { Rank = 4 }, new NormsOptions()] }, out RunCompleted result);
        LoadedModel opened = LoadedModel.Open(recipe.Output);
        Assert.Equal(["ia3", "lora"], opened.Adapters.Select(adapter => adapter.Name));
        Assert.All(result.After, metric => Assert.Equal(metric.Value, Measure(opened, recipe)[metric.Key], 1e-9));

        float[] before = Outputs(opened);
        opened.SaveMerged(run["merged"]);
        Assert.Equal(before, Outputs(opened));
        LoadedModel merged = LoadedModel.Open(run["merged"]);
        Assert.Empty(merged.Adapters);
        Assert.All(before.Zip(Outputs(merged)), pair => Assert.Equal(pair.First, pair.Second, 1e-5f));
    }

    private static Recipe Trained(TinyRun run, bool lora, out RunCompleted result) =>
        Trained(run, lora ? new LoRAOptions { Rank = 4, Targets = [LayerTargets.AllLinear] } : null, out result);

    private static Recipe Trained(TinyRun run, TuningOptions? tuning, out RunCompleted result)
    {
        Recipe recipe = run.Recipe(tuning: tuning);
        HeadChoice head = recipe.Task is ClassificationOptions ? HeadChoice.Classification(3) : HeadChoice.Language;
        TextModel model = TextModel.Create(ModelConfig.Read(run.Base), head, seed: 2);
        SafetensorsOf(model, run.Base);
        recipe = recipe with
        {
            Start = Start.Pretrained,
            Data = recipe.Data with { Test = run.WriteRows("test.jsonl", 8, seed: 2) },
            Training = recipe.Training with { LearningRate = 1e-2 },
        };
        result = TinyRun.Train(recipe).Result;
        return recipe;
    }

    private static void SafetensorsOf(TextModel model, string folder) =>
        Formats.Safetensors.SafetensorsWriter.Write(
            Path.Combine(folder, "model.safetensors"),
            model.Parameters().Where(parameter => parameter.Kind != ParameterKind.Head).Select(parameter => WeightFiles.Item(parameter.Name, parameter.Value)));

    private static IReadOnlyDictionary<string, double> Measure(LoadedModel opened, Recipe recipe)
    {
        IObjective objective = recipe.Task.Create();
        objective.Prepare(new ObjectiveContext(opened.Tokenizer, opened.Config, recipe.Data, opened.Text.Backbone.MaxPositions, _ => { }), []);
        IReadOnlyList<Example> rows = objective.Encode(DataSplit.ReadFile(recipe.Data.Test!), []);
        return Evaluation.Run(opened.Model, objective, rows, [.. objective.DefaultMetrics.Select(Hieno.Metrics.BuiltInMetrics.Find)], recipe.Training.BatchSize, recipe.Seed).Values;
    }

    private static float[] Outputs(LoadedModel opened)
    {
        using Tape tape = Tape.Begin(record: false);
        var batch = new TokenBatch([2, 7, 9, 11, 3], [5]);
        return (opened.Text.ClassificationHead is null ? opened.Text.Logits(batch) : opened.Text.Classify(batch)).ToArray();
    }
}
