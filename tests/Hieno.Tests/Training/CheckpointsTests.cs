using Hieno.Formats;
using Hieno.Formats.Durable;
using Hieno.Recipes;
using Hieno.Training;

namespace Hieno.Tests.Training;

/// <summary>What happens to a run whose checkpoints were damaged, or are another run's.</summary>
public sealed class CheckpointsTests
{
    [Theory]
    [InlineData("weights.safetensors", true)]
    [InlineData("optimizer.safetensors", true)]
    [InlineData("state.json", true)]
    [InlineData("manifest.json", true)]
    [InlineData("weights.safetensors", false)]
    [InlineData("optimizer.safetensors", false)]
    public void A_damaged_checkpoint_is_reported_and_the_one_before_it_is_used(string file, bool flip)
    {
        using TinyRun run = TinyRun.Language();
        TrainingOptions training = TinyRun.Training() with { CheckpointEvery = 2 };
        Recipe whole = run.Recipe("whole", training);
        TinyRun.Train(whole);
        Recipe recipe = run.Recipe("run", training);
        TinyRun.TrainUntil(recipe, 7);
        string newest = Path.Combine(recipe.Output, "checkpoints", "checkpoint-00000007");
        Damage(Path.Combine(newest, file), flip);

        (_, List<TrainingEvent> events) = TinyRun.Train(recipe, new FineTunerOptions { Resume = true });
        Assert.Equal(6, events.OfType<RunStarted>().Single().FirstStep);
        string report = events.OfType<LogMessage>().First().Text;
        Assert.StartsWith("checkpoint checkpoint-00000007 is broken (", report, StringComparison.Ordinal);
        Assert.Contains("it was renamed to .broken-checkpoint-00000007-", report, StringComparison.Ordinal);
        Assert.Equal(TinyRun.FinalHash(whole), TinyRun.FinalHash(recipe));
    }

    [Fact]
    public void A_run_all_of_whose_checkpoints_are_damaged_begins_anew()
    {
        using TinyRun run = TinyRun.Language();
        Recipe recipe = run.Recipe();
        TinyRun.Train(recipe);
        string expected = TinyRun.FinalHash(recipe);
        foreach (string file in Directory.GetFiles(Path.Combine(recipe.Output, "checkpoints"), "weights.safetensors", SearchOption.AllDirectories))
        {
            Damage(file, flip: true);
        }

        (_, List<TrainingEvent> events) = TinyRun.Train(recipe, new FineTunerOptions { Resume = true });
        Assert.Equal(0, events.OfType<RunStarted>().Single().FirstStep);
        Assert.Equal(2, events.OfType<LogMessage>().Count(message => message.Text.Contains("is broken", StringComparison.Ordinal)));
        Assert.Equal(expected, TinyRun.FinalHash(recipe));
    }

    [Theory]
    [InlineData("recipe")]
    [InlineData("data")]
    [InlineData("base")]
    public void A_checkpoint_of_another_run_is_refused_and_the_record_of_that_run_stays(string changed)
    {
        using TinyRun run = TinyRun.Language();
        Recipe recipe = run.Recipe();
        TinyRun.TrainUntil(recipe, 3);
        string record = File.ReadAllText(Path.Combine(recipe.Output, RunFolder.RecipeFileName));

        Recipe other = changed == "recipe" ? recipe with { Training = recipe.Training with { LearningRate = 1e-3 } } : recipe;
        if (changed == "data")
        {
            run.WriteRows("train.jsonl", 20, seed: 5);
        }
        else if (changed == "base")
        {
            File.AppendAllText(Path.Combine(run.Base, "config.json"), "\n");
        }

        TrainingException error = Assert.Throws<TrainingException>(() => TinyRun.Train(other, new FineTunerOptions { Resume = true }));
        Assert.Equal(ErrorCodes.RunMismatch, error.Code);
        Assert.Equal(record, File.ReadAllText(Path.Combine(recipe.Output, RunFolder.RecipeFileName)));
    }

    [SkippableFact]
    public void A_full_disk_is_said_clearly_and_leaves_the_checkpoint_before_it_whole()
    {
        using var disk = SmallDisk.Mount(kibibytes: 700);
        using TinyRun run = TinyRun.Language();
        Recipe recipe = run.Recipe() with { Output = Path.Combine(disk.Path, "run"), Training = TinyRun.Training() with { CheckpointEvery = 1, KeepCheckpoints = 100 } };
        StorageException error = Assert.Throws<StorageException>(() => TinyRun.Train(recipe));
        Assert.Equal(ErrorCodes.StorageFull, error.Code);
        Assert.Contains("intact", error.Message, StringComparison.Ordinal);
        Assert.All(File.ReadLines(Path.Combine(recipe.Output, RunFolder.EventsFileName)), line => System.Text.Json.JsonDocument.Parse(line).Dispose());

        // With room again the run goes on from there.
        disk.Grow(kibibytes: 20_000);
        (RunCompleted result, List<TrainingEvent> events) = TinyRun.Train(recipe, new FineTunerOptions { Resume = true });
        Assert.InRange(events.OfType<RunStarted>().Single().FirstStep, 1, 9);
        Assert.Equal(RunOutcome.Completed, result.Outcome);
        Recipe whole = run.Recipe("whole", recipe.Training);
        TinyRun.Train(whole);
        Assert.Equal(TinyRun.FinalHash(whole), TinyRun.FinalHash(recipe));
    }

    private static void Damage(string file, bool flip)
    {
        byte[] bytes = File.ReadAllBytes(file);
        bytes[bytes.Length / 2] ^= 4;
        File.WriteAllBytes(file, flip ? bytes : bytes[..(bytes.Length / 2)]);
    }

    /// <summary>A file system of a given size in memory; only root on Linux may make one.</summary>
    private sealed class SmallDisk : IDisposable
    {
        private readonly TemporaryFolder _folder = new();

        public string Path => _folder.PathOf("disk");

        public static SmallDisk Mount(int kibibytes)
        {
            Skip.IfNot(OperatingSystem.IsLinux() && Environment.UserName == "root", "A small disk can be mounted only by root on Linux.");
            var disk = new SmallDisk();
            disk._folder.Folder("disk");
            Skip.IfNot(Run("mount", "-t", "tmpfs", "-o", $"size={kibibytes}k", "tmpfs", disk.Path), "mount is not permitted here.");
            return disk;
        }

        public void Grow(int kibibytes) => Assert.True(Run("mount", "-o", $"remount,size={kibibytes}k", Path));

        public void Dispose()
        {
            Run("umount", Path);
            _folder.Dispose();
        }

        private static bool Run(string program, params string[] arguments)
        {
            using var process = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo(program, arguments) { RedirectStandardError = true, UseShellExecute = false })!;
            process.WaitForExit();
            return process.ExitCode == 0;
        }
    }
}
