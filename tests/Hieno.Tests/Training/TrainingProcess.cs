using System.Diagnostics;
using Hieno.Recipes;
using Hieno.Training;

namespace Hieno.Tests.Training;

/// <summary>A run in a process of its own: this test assembly, started as a program with a recipe as its argument.</summary>
internal static class TrainingProcess
{
    /// <summary>Trains, going on from what is there, and prints a line for each event.</summary>
    public static int Main(string[] args)
    {
        FineTuner.Create(Recipe.Load(args[0]), new FineTunerOptions { Resume = true }).Run(item => Console.WriteLine(item.GetType().Name));
        return 0;
    }

    /// <summary>Starts a run and kills it (signal 9) soon after it has printed some events.</summary>
    /// <param name="recipe">The recipe's file.</param>
    /// <param name="events">How many events to wait for.</param>
    /// <param name="delay">How long to wait then.</param>
    /// <returns>False when the run had ended by then.</returns>
    public static bool StartAndKill(string recipe, int events, TimeSpan delay)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        start.ArgumentList.Add(typeof(TrainingProcess).Assembly.Location);
        start.ArgumentList.Add(recipe);
        using var process = System.Diagnostics.Process.Start(start)!;
        for (int i = 0; i < events && process.StandardOutput.ReadLine() is not null; i++)
        {
            // Each line is an event.
        }

        bool ended = process.WaitForExit(delay);
        process.Kill();
        process.WaitForExit();
        Assert.True(!ended || process.ExitCode == 0, process.StandardError.ReadToEnd());
        return !ended;
    }
}
