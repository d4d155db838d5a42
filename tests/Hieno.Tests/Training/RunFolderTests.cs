using System.Text.Json;
using Hieno.Formats;
using Hieno.Recipes;
using Hieno.Training;

namespace Hieno.Tests.Training;

public sealed class RunFolderTests
{
    [Fact]
    public void A_second_run_in_the_same_folder_is_refused_whatever_it_asks_for()
    {
        using var folder = new TemporaryFolder();
        string path = folder.PathOf("run");
        using RunFolder first = RunFolder.Open(path, resume: false, overwrite: false, TimeProvider.System);
        first.Append(new LogMessage("going on"));
        foreach ((bool resume, bool overwrite) in new[] { (false, true), (true, false), (true, true) })
        {
            TrainingException error = Assert.Throws<TrainingException>(() => RunFolder.Open(path, resume, overwrite, TimeProvider.System));
            Assert.Equal(ErrorCodes.RunFolderUnusable, error.Code);
            Assert.Contains("another run is using this folder", error.Message, StringComparison.Ordinal);
        }

        Assert.Single(File.ReadAllLines(Path.Combine(path, RunFolder.EventsFileName))); // nothing was removed under its feet
        first.Close();
        RunFolder.Open(path, resume: true, overwrite: false, TimeProvider.System).Dispose();
    }

    [Theory]
    [InlineData("events.jsonl")]
    [InlineData("recipe.yaml")]
    [InlineData("final/model.safetensors")]
    [InlineData("checkpoints/mine.txt")]
    public void A_folder_that_holds_what_a_run_would_replace_is_refused(string name)
    {
        using var folder = new TemporaryFolder();
        folder.Write(name, "mine");
        TrainingException error = Assert.Throws<TrainingException>(() => RunFolder.Open(folder.Path, resume: false, overwrite: false, TimeProvider.System));
        Assert.Equal(ErrorCodes.RunFolderUnusable, error.Code);
        Assert.Contains(name.Split('/')[0], error.Message, StringComparison.Ordinal);
        Assert.Equal("mine", File.ReadAllText(folder.PathOf(name)));
    }

    [Fact]
    public void Overwriting_removes_what_a_run_makes_and_nothing_else()
    {
        using TinyRun run = TinyRun.Language();
        Recipe recipe = run.Recipe();
        TinyRun.Train(recipe);
        run.Write("run/notes.txt", "mine");
        run.Write("run/old/model.safetensors", "mine");
        run.Write("run/checkpoints/checkpoint-99999999/weights.safetensors", "an older run's");
        TinyRun.Train(recipe, new FineTunerOptions { Overwrite = true });
        Assert.Equal("mine", File.ReadAllText(run["run/notes.txt"]));
        Assert.Equal("mine", File.ReadAllText(run["run/old/model.safetensors"]));
        Assert.False(Directory.Exists(run["run/checkpoints/checkpoint-99999999"]));
        Assert.Single(File.ReadLines(run["run/events.jsonl"]), line => line.Contains("\"event\":\"started\"", StringComparison.Ordinal));
    }

    [Fact]
    public void The_resolved_recipe_trains_the_same_bytes_again()
    {
        using TinyRun run = TinyRun.Classifier();
        Recipe recipe = run.Recipe(validated: true);
        TinyRun.Train(recipe);
        Recipe resolved = Recipe.Load(Path.Combine(recipe.Output, RunFolder.RecipeFileName)) with { Output = run["again"] };
        TinyRun.Train(resolved);
        Assert.Equal(TinyRun.FinalHash(recipe), TinyRun.FinalHash(resolved));
    }

    [Fact]
    public void Every_event_is_a_line_and_the_run_is_described()
    {
        using TinyRun run = TinyRun.Classifier();
        Recipe recipe = run.Recipe(validated: true);
        recipe = recipe with { Data = recipe.Data with { Test = run.WriteRows("test.jsonl", 8, seed: 2) } };
        (RunCompleted result, List<TrainingEvent> events) = TinyRun.Train(recipe);

        JsonElement[] lines = [.. File.ReadLines(run["run/events.jsonl"]).Select(line => JsonDocument.Parse(line).RootElement)];
        Assert.Equal(events.Count, lines.Length);
        Assert.Equal("started", lines.First(line => line.GetProperty("event").GetString() != "log").GetProperty("event").GetString());
        Assert.Equal("completed", lines[^1].GetProperty("event").GetString());
        Assert.Equal(10, lines.Count(line => line.GetProperty("event").GetString() == "step"));
        Assert.All(lines, line => Assert.True(line.GetProperty("time").GetDateTimeOffset() > DateTimeOffset.UnixEpoch));

        JsonElement about = JsonDocument.Parse(File.ReadAllText(run["run/run.json"])).RootElement;
        Assert.Equal(7, about.GetProperty("seed").GetInt32());
        Assert.Equal(64, about.GetProperty("dataSha256").GetString()!.Length);
        Assert.Equal("cpu", about.GetProperty("backend").GetString());

        JsonElement report = JsonDocument.Parse(File.ReadAllText(run["run/report.json"])).RootElement;
        Assert.Equal("completed", report.GetProperty("outcome").GetString());
        Assert.Equal(result.After["accuracy"], report.GetProperty("after").GetProperty("accuracy").GetDouble());
        Assert.Equal(["accuracy", "macro-f1", "log-loss"], result.Before.Keys);
        string text = File.ReadAllText(run["run/report.md"]);
        Assert.Contains($"| accuracy | {Report.Number(result.Before["accuracy"])} | {Report.Number(result.After["accuracy"])} |", text, StringComparison.Ordinal);
        Assert.Contains("## Classes", text, StringComparison.Ordinal);
        Assert.Contains(events.OfType<Evaluated>(), item => item.Split == "test" && item.Step == 10);
    }

    [Fact]
    public void A_resumed_run_tells_the_curves_from_which_step_on_they_are_drawn_again()
    {
        using TinyRun run = TinyRun.Language();
        Recipe recipe = run.Recipe();
        TinyRun.TrainUntil(recipe, 4);
        TinyRun.Train(recipe, new FineTunerOptions { Resume = true });
        string[] files = Directory.GetFiles(run["run/tensorboard"]);
        Assert.Equal(2, files.Length);
        // Steps whose "train/loss" each file holds: 1 to 4, then 5 to 10; the restart at 5 leaves the point of step 4 alone.
        Assert.Equal([4, 6], files.Select(file => CountOf("train/loss", File.ReadAllBytes(file))).Order());
        Assert.Contains(files, file => RestartStep(file) == 5);
    }

    private static int CountOf(string tag, byte[] bytes)
    {
        byte[] wanted = System.Text.Encoding.ASCII.GetBytes(tag);
        int count = 0;
        for (int at = bytes.AsSpan().IndexOf(wanted); at >= 0; count++)
        {
            int next = bytes.AsSpan(at + 1).IndexOf(wanted);
            at = next < 0 ? -1 : at + 1 + next;
        }

        return count;
    }

    // The event after the version: wall time (field 1, 8 bytes), step (field 2), session log (field 7) with status START.
    private static int RestartStep(string file)
    {
        byte[] bytes = File.ReadAllBytes(file);
        int second = 16 + (int)BitConverter.ToInt64(bytes) + 12; // each record: 12 bytes of header, data, 4 of checksum
        Assert.Equal([0x3A, 0x02, 0x08, 0x01], bytes[(second + 11)..(second + 15)]);
        return bytes[second + 10];
    }
}
