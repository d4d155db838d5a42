using System.Text.RegularExpressions;
using Hieno.Data;
using Hieno.Formats;
using Hieno.Formats.Safetensors;
using Hieno.Models;
using Hieno.Objectives;
using Hieno.Recipes;
using Hieno.Schedules;
using Hieno.Tests.Training;
using Hieno.Training;
using Hieno.Tuning;

namespace Hieno.Tests;

public sealed partial class FineTunerTests
{
    [Fact]
    public async Task Events_are_streamed_in_order_and_end_with_the_result()
    {
        using TinyRun run = TinyRun.Language();
        var steps = new List<long>();
        TrainingEvent? last = null;
        await foreach (TrainingEvent item in FineTuner.Create(run.Recipe()).RunAsync())
        {
            last = item;
            if (item is StepCompleted step)
            {
                steps.Add(step.Step);
            }
        }

        Assert.Equal(Enumerable.Range(1, 10).Select(step => (long)step), steps);
        Assert.Equal(RunOutcome.Completed, Assert.IsType<RunCompleted>(last).Outcome);
    }

    [Fact]
    public async Task A_fault_of_the_run_is_thrown_to_the_reader_of_its_events()
    {
        using TinyRun run = TinyRun.Language();
        run.Write("train.jsonl", "");
        await Assert.ThrowsAsync<Formats.Text.DatasetException>(async () =>
        {
            await foreach (TrainingEvent _ in FineTuner.Create(run.Recipe()).RunAsync())
            {
                // Nothing is expected.
            }
        });
    }

    [Fact]
    public void Cancelling_ends_at_the_next_step_with_a_checkpoint_that_can_be_resumed()
    {
        using TinyRun run = TinyRun.Language();
        Recipe recipe = run.Recipe();
        using var stop = new CancellationTokenSource();
        var events = new List<TrainingEvent>();

        // On the thread that trains, so that the second step is the moment of cancelling and not a moment soon after it.
        RunCompleted result = FineTuner.Create(recipe).Run(
            item =>
            {
                events.Add(item);
                if (item is StepCompleted { Step: 2 })
                {
                    stop.Cancel();
                }
            },
            stop.Token);

        Assert.IsType<RunCompleted>(events[^1]);
        Assert.Equal(2, result.Step);
        Assert.Equal(RunOutcome.Cancelled, result.Outcome);
        Assert.Equal(result.Step, events.OfType<CheckpointSaved>().Last().Step);
        Assert.Equal(recipe.Output, result.Folder);
        Assert.Equal(RunOutcome.Completed, TinyRun.Train(recipe, new FineTunerOptions { Resume = true }).Result.Outcome);
    }

    [Fact]
    public async Task A_run_whose_events_nobody_reads_any_more_ends_and_lets_go_of_its_folder()
    {
        using TinyRun run = TinyRun.Language();
        Recipe recipe = run.Recipe(training: TinyRun.Training(epochs: 10_000));
        await foreach (TrainingEvent item in FineTuner.Create(recipe).RunAsync())
        {
            if (item is StepCompleted { Step: 3 })
            {
                break;
            }
        }

        // The run has ended by now: nothing more is written, and another may take the folder.
        string[] lines = File.ReadAllLines(run["run/events.jsonl"]);
        Assert.Contains("\"outcome\":\"cancelled\"", lines[^1], StringComparison.Ordinal);
        TinyRun.Train(run.Recipe(), new FineTunerOptions { Overwrite = true });
    }

    [Fact]
    public void A_run_of_before_is_neither_touched_nor_continued_unless_asked()
    {
        using TinyRun run = TinyRun.Language();
        Recipe recipe = run.Recipe();
        TinyRun.Train(recipe);
        string before = TinyRun.HashOf(recipe.Output);
        TrainingException error = Assert.Throws<TrainingException>(() => TinyRun.Train(recipe));
        Assert.Equal(ErrorCodes.RunFolderUnusable, error.Code);
        Assert.Equal(before, TinyRun.HashOf(recipe.Output));
    }

    [Fact]
    public void A_dropout_rate_of_the_recipe_is_used_in_training_only()
    {
        using TinyRun run = TinyRun.Language();
        Recipe none = run.Recipe("none", TinyRun.Training() with { Dropout = 0 });
        Recipe much = run.Recipe("much", TinyRun.Training() with { Dropout = 0.5 });
        double[] losses = [.. TinyRun.Train(none).Events.OfType<StepCompleted>().Select(step => step.Loss)];
        Assert.NotEqual(losses, TinyRun.Train(much).Events.OfType<StepCompleted>().Select(step => step.Loss));

        // The base model's configuration names no rates, so the tuned model's does not either.
        Assert.DoesNotContain("drop", File.ReadAllText(run["much/final/config.json"]), StringComparison.Ordinal);
    }

    public static TheoryData<string, string> BadRuns() => new()
    {
        { "empty data", ErrorCodes.DatasetEmpty },
        { "no such data", ErrorCodes.DatasetFileUnreadable },
        { "not JSON", ErrorCodes.DatasetRowNotJson },
        { "not UTF-8", ErrorCodes.DatasetNotUtf8 },
        { "no assistant", ErrorCodes.DatasetRowInvalid },
        { "empty test", ErrorCodes.DatasetEmpty },
        { "unseen label in validation", ErrorCodes.DatasetLabelUnknown },
        { "unseen label in test", ErrorCodes.DatasetLabelUnknown },
        { "truncated weights", ErrorCodes.CheckpointLengthMismatch },
        { "truncated header", ErrorCodes.CheckpointHeaderTruncated },
        { "wrong shape", ErrorCodes.CheckpointShapeMismatch },
        { "missing tensor", ErrorCodes.CheckpointTensorMissing },
        { "no weights", ErrorCodes.CheckpointFileUnreadable },
        { "unknown family", ErrorCodes.CheckpointFamilyUnknown },
        { "unknown target", ErrorCodes.TuningTargetUnknown },
        { "unknown metric", ErrorCodes.MetricUnknown },
        { "metric of another task", ErrorCodes.MetricWrongKind },
        { "stopping early without validation", ErrorCodes.RecipeSettingMissing },
        { "plateau without validation", ErrorCodes.RecipeSettingMissing },
        { "rows longer than the model", ErrorCodes.RecipeValueOutOfRange },
        { "schedule longer than the run", ErrorCodes.RecipeValueOutOfRange },
    };

    [Theory]
    [MemberData(nameof(BadRuns))]
    public void What_is_wrong_is_said_once_clearly_and_before_anything_is_written(string fault, string code)
    {
        using TinyRun run = fault.Contains("label", StringComparison.Ordinal) ? TinyRun.Classifier() : TinyRun.Language();
        Recipe recipe = Spoil(run, fault);
        HienoException error = Assert.ThrowsAny<HienoException>(() => TinyRun.Train(recipe));
        Assert.Equal(code, error.Code);
        Assert.Matches(WhoFactAdvice(), error.Message);
        Assert.False(Directory.Exists(recipe.Output), "The run folder was made.");
    }

    [Fact]
    public void A_misspelt_key_of_a_recipe_is_named_with_its_place_and_the_nearest_one()
    {
        using TinyRun run = TinyRun.Language();
        string file = run.Write("recipe.yaml", RecipeWriter.ToYaml(run.Recipe(), BuiltIns.Kinds()).Replace("batchSize", "batchSise", StringComparison.Ordinal));
        RecipeException error = Assert.Throws<RecipeException>(() => Recipe.Load(file));
        Assert.Equal(ErrorCodes.RecipeUnknownKey, error.Code);
        Assert.Contains("batchSise", error.Message, StringComparison.Ordinal);
        Assert.Contains("batchSize", error.Message, StringComparison.Ordinal);
        Assert.Contains("recipe.yaml", error.Message, StringComparison.Ordinal);
    }

    private static Recipe Spoil(TinyRun run, string fault)
    {
        Recipe recipe = run.Recipe();
        switch (fault)
        {
            case "empty data": run.Write("train.jsonl", ""); break;
            case "no such data": File.Delete(run["train.jsonl"]); break;
            case "not JSON": run.Write("train.jsonl", "{\"prompt\": \"a\", \"completion\": \"b\"}\n{\"prompt\": \"a\", \n"); break;
            case "not UTF-8": File.WriteAllBytes(run["train.jsonl"], [.. "{\"prompt\": \""u8, 0xC3, 0x28, .. "\", \"completion\": \"b\"}\n"u8]); break;
            case "no assistant": run.Write("train.jsonl", "{\"messages\": [{\"role\": \"user\", \"content\": \"hello\"}]}\n"); break;
            case "empty test": return recipe with { Data = recipe.Data with { Test = run.Write("test.jsonl", "\n") } };
            case "unseen label in validation": return recipe with { Data = recipe.Data with { Validation = run.Write("v.jsonl", "{\"text\": \"the red bird\", \"label\": \"purple\"}\n") } };
            case "unseen label in test": return recipe with { Data = recipe.Data with { Test = run.Write("t.jsonl", "{\"text\": \"the red bird\", \"label\": \"purple\"}\n") } };
            case "unknown family": run.Write("base/config.json", """{ "model_type": "gpt9" }"""); break;
            case "unknown target": return recipe with { Tuning = new LoRAOptions { Targets = ["q_porj"] } };
            case "unknown metric": return recipe with { Evaluation = new EvaluationOptions { Metrics = ["acuracy"] } };
            case "metric of another task": return run.Recipe(validated: true) with { Evaluation = new EvaluationOptions { Metrics = ["accuracy"] } };
            case "stopping early without validation": return recipe with { Training = recipe.Training with { EarlyStopping = new EarlyStoppingOptions() } };
            case "plateau without validation": return recipe with { Training = recipe.Training with { Schedule = new PlateauScheduleOptions() } };
            case "rows longer than the model": return recipe with { Data = recipe.Data with { MaxLength = 65 } };
            case "schedule longer than the run": return recipe with { Training = recipe.Training with { Schedule = new WsdScheduleOptions { DecaySteps = 11 } } };
            default: SpoilWeights(run, fault); return recipe with { Start = Start.Pretrained };
        }

        return recipe;
    }

    private static void SpoilWeights(TinyRun run, string fault)
    {
        if (fault == "no weights")
        {
            return;
        }

        TextModel model = TextModel.Create(ModelConfig.Read(run.Base), HeadChoice.Language, seed: 1);
        IEnumerable<Parameter> kept = model.Parameters().Where(parameter => fault != "missing tensor" || !parameter.Name.EndsWith("h.1.ln_1.weight", StringComparison.Ordinal));
        string file = Path.Combine(run.Base, "model.safetensors");
        SafetensorsWriter.Write(file, kept.Select(parameter => fault == "wrong shape" && parameter.Name.EndsWith("wpe.weight", StringComparison.Ordinal)
            ? WeightFiles.Item(parameter.Name, parameter.Value.RowRange(0, 32))
            : WeightFiles.Item(parameter.Name, parameter.Value)));
        if (fault.StartsWith("truncated", StringComparison.Ordinal))
        {
            byte[] bytes = File.ReadAllBytes(file);
            File.WriteAllBytes(file, bytes[..(fault == "truncated header" ? 100 : bytes.Length - 64)]);
        }
    }

    [GeneratedRegex(@"\A\S.*?: .+\. .+\.\z", RegexOptions.Singleline)]
    private static partial Regex WhoFactAdvice();
}
