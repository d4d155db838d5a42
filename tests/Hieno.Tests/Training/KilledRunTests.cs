using Hieno.Recipes;
using Hieno.Tensors;
using Hieno.Training;

namespace Hieno.Tests.Training;

/// <summary>A run that is killed at any moment, again and again, ends with the bytes of one that never was.</summary>
public sealed class KilledRunTests
{
    [Fact]
    public void A_run_that_was_killed_three_times_ends_with_the_same_bytes() => Kill(3, seed: 1);

    [Theory]
    [Trait("tier", "slow")]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public void A_run_that_was_killed_five_times_ends_with_the_same_bytes(ulong seed) => Kill(5, seed);

    private static void Kill(int times, ulong seed)
    {
        using TinyRun run = TinyRun.Language();
        // A checkpoint after each step and a better model at most evaluations: most of the time, something is being written.
        TrainingOptions training = TinyRun.Training(epochs: 4) with { CheckpointEvery = 1, EvaluateEvery = 1, EarlyStopping = new EarlyStoppingOptions { Patience = 1000 } };
        Recipe whole = run.Recipe("whole", training, validated: true);
        TinyRun.Train(whole);

        Recipe killed = run.Recipe("killed", training, validated: true);
        string file = run.Write("recipe.yaml", RecipeWriter.ToYaml(killed, BuiltIns.Kinds()));
        var rng = new Rng(seed, RngStream.Sampling);
        int kills = 0;
        for (int i = 0; i < times; i++)
        {
            var words = rng.Block(0, (ulong)i);
            kills += TrainingProcess.StartAndKill(file, events: (int)(words.A % 14), TimeSpan.FromMicroseconds(words.B % 30_000)) ? 1 : 0;
        }

        Assert.True(kills > 0, "Every run had ended before it could be killed.");
        TinyRun.Train(killed, new FineTunerOptions { Resume = true });
        Assert.Equal(TinyRun.FinalHash(whole), TinyRun.FinalHash(killed));

        // The record is whole as well, and nothing half-written is left over.
        Assert.All(File.ReadLines(Path.Combine(killed.Output, RunFolder.EventsFileName)), line => System.Text.Json.JsonDocument.Parse(line).Dispose());
        Assert.Empty(Directory.EnumerateFileSystemEntries(killed.Output, ".tmp-*").Concat(Directory.EnumerateFileSystemEntries(killed.Output, ".replaced-*")));
    }
}
