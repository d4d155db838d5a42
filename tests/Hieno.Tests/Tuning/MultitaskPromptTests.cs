using System.Text.Json.Nodes;
using Hieno.Data;
using Hieno.Formats;
using Hieno.Formats.Peft;
using Hieno.Formats.Safetensors;
using Hieno.Models;
using Hieno.Recipes;
using Hieno.Tensors;
using Hieno.Testing;
using Hieno.Tests.Shared;
using Hieno.Tests.Training;
using Hieno.Training;
using Hieno.Tuning;

namespace Hieno.Tests.Tuning;

public sealed class MultitaskPromptTests
{
    private static readonly MultitaskPromptOptions s_options = new() { VirtualTokens = 3, Rank = 2, Tasks = ["sum", "sort", "copy"] };

    [Theory]
    [MemberData(nameof(TinyTuning.Families), MemberType = typeof(TinyTuning))]
    public void Each_row_is_given_the_shared_prompt_times_the_matrix_of_its_task(string family)
    {
        TextModel model = TinyTuning.Language(family);
        MultitaskPromptVectors prompt = Apply(model);
        float[] shared = prompt.Parameters[0].Value.ToArray();
        float[] u = prompt.Parameters[1].Value.ToArray();
        float[] v = prompt.Parameters[2].Value.ToArray();
        TokenBatch rows = TinyTuning.Batch();
        string[] tasks = ["sort", "copy", "sort"];
        float[] together = Logits(model, new TokenBatch(rows.Ids, rows.Lengths) { Tasks = tasks });

        int start = 0;
        for (int row = 0; row < tasks.Length; row++)
        {
            int task = s_options.Tasks.ToList().IndexOf(tasks[row]);
            float[] vectors = [.. Enumerable.Range(0, 3 * 16).Select(i => shared[i] * Enumerable.Range(0, 2).Sum(k =>
                u[(((task * 3) + (i / 16)) * 2) + k] * v[(((task * 2) + k) * 16) + (i % 16)]))];
            TextModel alone = TinyTuning.Language(family);
            var table = new PromptTable(Tensor.FromValues([3, 16], vectors));
            new Adapter(alone, new PromptTuningOptions { VirtualTokens = 3 }).Attach(new EncodedPrompt(alone.Backbone, Adapter.DefaultName, 3, table));
            int length = rows.Lengths[row];
            float[] expected = Logits(alone, new TokenBatch(rows.Ids[start..(start + length)], [length]));
            TensorAssert.Close(expected, Tensor.FromValues([expected.Length], together.AsSpan(start * 40, length * 40)), absolute: 1e-5);
            start += length;
        }
    }

    [Theory]
    [MemberData(nameof(TinyTuning.Families), MemberType = typeof(TinyTuning))]
    public void Only_the_tasks_of_a_batch_have_a_gradient_of_their_own(string family)
    {
        TextModel model = TinyTuning.Language(family);
        MultitaskPromptVectors prompt = Apply(model);
        prompt.Task = "sort";
        using (var tape = Tape.Begin())
        {
            tape.Backward(TinyTuning.Loss(model));
        }

        float[][] gradients = [.. prompt.Parameters[1].Value.Grad!.ToArray().Chunk(3 * 2)];
        Assert.Equal([false, true, false], gradients.Select(gradient => gradient.Any(value => value != 0)));
        Assert.Contains(prompt.Parameters[0].Value.Grad!.ToArray(), value => value != 0);
    }

    [Fact]
    public void A_text_without_a_task_and_an_unknown_task_are_refused_with_the_names_there_are()
    {
        TextModel model = TinyTuning.Language("gpt2");
        MultitaskPromptVectors prompt = Apply(model);
        Assert.Contains("does not say which task it is of. The prompt knows sum, sort, copy", Assert.Throws<TuningException>(() => TinyTuning.Output(model)).Message, StringComparison.Ordinal);
        prompt.Task = "square";
        Assert.Contains("no task 'square'", Assert.Throws<TuningException>(() => TinyTuning.Output(model)).Message, StringComparison.Ordinal);
        Assert.Equal(ErrorCodes.RecipeSettingMissing, Assert.Throws<TuningException>(() => new MultitaskPromptOptions().Create().Apply(TinyTuning.Language("gpt2"), seed: 3)).Code);
    }

    [SkippableFact]
    [Trait("tier", "golden")]
    public void It_is_saved_with_the_tensors_and_settings_that_peft_writes()
    {
        string folder = SharedFolder.Require("golden/peft/multitask_prompt"); // on a T5, so that the widths are others
        using var own = new TemporaryFolder();
        TextModel model = TinyTuning.Language("llama");
        TunedModel tuned = s_options.Create().Apply(model, seed: 3);
        PeftFolder.Save(tuned.Adapter!, own.Path, "base");
        using var theirs = SafetensorsFile.Open(Path.Combine(folder, PeftAdapterConfig.WeightsFileName));
        using var ours = SafetensorsFile.Open(own.PathOf(PeftAdapterConfig.WeightsFileName));
        Assert.Equal(theirs.Entries.Keys.Order(StringComparer.Ordinal), ours.Entries.Keys.Order(StringComparer.Ordinal));
        Assert.Equal([3L, 3, 2], ours.Require("prefix_task_cols").Shape);
        Assert.Equal([3L, 2, 16], ours.Require("prefix_task_rows").Shape);
        JsonObject expected = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, PeftAdapterConfig.FileName)))!.AsObject();
        JsonObject actual = JsonNode.Parse(File.ReadAllText(own.PathOf(PeftAdapterConfig.FileName)))!.AsObject();
        Assert.Equal(expected.Select(item => item.Key).Order(StringComparer.Ordinal), actual.Select(item => item.Key).Order(StringComparer.Ordinal));
        var error = Assert.Throws<CheckpointException>(() => PeftFolder.Load(TinyTuning.Language("llama"), folder));
        Assert.Contains("encoder and decoder", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_run_tells_the_rows_tasks_apart_and_a_resumed_one_gives_the_same_bytes(bool classifier)
    {
        using TinyRun run = classifier ? TinyRun.Classifier() : TinyRun.Language();
        AddTasks(run, classifier);
        Recipe Named(string name) => Tasked(run.Recipe(name, tuning: new MultitaskPromptOptions { VirtualTokens = 4, Tasks = ["even", "odd"] }));
        RunCompleted whole = TinyRun.Train(Named("whole")).Result;
        TinyRun.TrainUntil(Named("stopped"), 4);
        TinyRun.Train(Named("stopped"), new FineTunerOptions { Resume = true });
        Assert.Equal(TinyRun.FinalHash(Named("whole")), TinyRun.FinalHash(Named("stopped")));
        JsonNode tasks = JsonNode.Parse(File.ReadAllText(Path.Combine(whole.Folder, AdapterTask.FileName)))!;
        Assert.Equal("""["even","odd"]""", tasks["prompt_tasks"]!.ToJsonString());

        var error = Assert.Throws<TuningException>(() => TinyRun.Train(Named("other") with { Tuning = new MultitaskPromptOptions { Tasks = ["even"] } }));
        Assert.Contains("there is no task 'odd'", error.Message, StringComparison.Ordinal);
        var missing = Assert.ThrowsAny<HienoException>(() => TinyRun.Train(Named("column") with { Data = Named("column").Data with { TaskColumn = "kind" } }));
        Assert.Contains("'kind'", missing.Message, StringComparison.Ordinal);
    }

    private static Recipe Tasked(Recipe recipe) => recipe with { Data = recipe.Data with { TaskColumn = "task" } };

    private static void AddTasks(TinyRun run, bool classifier)
    {
        string[] lines = File.ReadAllLines(run["train.jsonl"]);
        run.Write("train.jsonl", string.Concat(lines.Select((line, i) => line.Replace(classifier ? "{\"text\"" : "{\"prompt\"", $"{{\"task\": \"{(i % 2 == 0 ? "even" : "odd")}\", {(classifier ? "\"text\"" : "\"prompt\"")}", StringComparison.Ordinal) + "\n")));
    }

    private static MultitaskPromptVectors Apply(TextModel model)
    {
        TunedModel tuned = s_options.Create().Apply(model, seed: 3);
        foreach (Parameter parameter in tuned.Trainable)
        {
            new Rng(5, RngStream.Initialization).FillNormal(parameter.Value.Span, 0, 0.5f, (ulong)parameter.Count);
        }

        return (MultitaskPromptVectors)tuned.Adapter!.Parts.Single();
    }

    private static float[] Logits(TextModel model, TokenBatch batch)
    {
        using var tape = Tape.Begin(record: false);
        return model.Logits(batch).ToArray();
    }
}
