using System.CommandLine;
using Hieno.Benchmarks.Machine;
using Hieno.Benchmarks.Tuning;
using Hieno.Formats;
using Hieno.Tensors.Cpu;

namespace Hieno.Benchmarks.Commands;

/// <summary>Which part of the experiments is made.</summary>
internal enum TuningPart
{
    /// <summary>Everything, in this order.</summary>
    All,

    /// <summary>The runs whose metrics are reported, which take hours and do not depend on the machine.</summary>
    Metrics,

    /// <summary>A few timed steps of each row, which need a machine with nothing else to do.</summary>
    Cost,

    /// <summary>The tables and charts, of what has been measured so far.</summary>
    Page,
}

/// <summary><c>tuning</c>: the same data tuned in every way, with several seeds; tables and charts of what it gains and costs.</summary>
/// <remarks>Each result is kept as soon as it is there, so that the command can be interrupted and goes on where it was.</remarks>
internal static class TuningCommand
{
    /// <summary>The command.</summary>
    public static Command Create()
    {
        var recipes = new Argument<string[]>("RECIPE") { Description = "Recipes to run, e.g. samples/experiments/banking77.yaml.", Arity = ArgumentArity.OneOrMore };
        var part = new Option<TuningPart>("--part") { Description = "What is made: all, metrics, cost or page.", DefaultValueFactory = _ => TuningPart.All };
        var only = new Option<string?>("--only") { Description = "Only rows whose name contains this." };
        var seconds = new Option<double>("--for") { Description = "Begins no run after that many seconds; the same command goes on later.", DefaultValueFactory = _ => double.PositiveInfinity };
        var threads = new Option<int>("--threads") { Description = "Threads of the runs whose metrics count; no digit depends on it. Default: one a core." };
        var kept = new Option<string?>("--results") { Description = "Where results are kept. Default: bench/results/tuning.jsonl." };
        var page = new Option<string?>("--page") { Description = "The page whose tables are made anew. Default: docs/experiments.md." };
        Command command = new("tuning", "Tunes by each recipe in every way, with several seeds, and writes docs/experiments.md. Can be interrupted and goes on.") { recipes, part, only, seconds, threads, kept, page };
        command.SetAction(parsed =>
        {
            var results = TuningResults.Open(parsed.GetValue(kept) ?? Path.Combine(Repository.Bench, "results", "tuning.jsonl"));
            Experiment[] experiments = [.. parsed.GetRequiredValue(recipes).Select(path => new Experiment(path))];
            (TuningPart wanted, double most, string? name) = (parsed.GetValue(part), parsed.GetValue(seconds), parsed.GetValue(only));
            bool isWhole = true;
            if (wanted is TuningPart.All or TuningPart.Metrics)
            {
                using var backend = new CpuBackend(parsed.GetValue(threads));
                isWhole &= ForEach(experiments, name, new MetricRuns(results, backend, most).Complete);
            }

            if (wanted is TuningPart.All or TuningPart.Cost)
            {
                isWhole &= ForEach(experiments, name, new CostRuns(results, most).Complete);
            }

            if (wanted is TuningPart.All or TuningPart.Page)
            {
                string file = parsed.GetValue(page) ?? Path.Combine(Repository.Bench, "..", "docs", "experiments.md");
                Array.ForEach(experiments, experiment => TuningPage.Write(file, experiment, results));
            }

            return isWhole ? ExitCode.Pass : ExitCode.Failed;
        });
        return command;
    }

    // Until a row says that the time is over. A row that cannot be run is told and left out, so that a night's work does not end there.
    private static bool ForEach(Experiment[] experiments, string? name, Func<Experiment, TuningRow, bool> complete)
    {
        bool isWhole = true;
        foreach (Experiment experiment in experiments)
        {
            foreach (TuningRow row in experiment.Rows.Where(row => name is null || row.Name.Contains(name, StringComparison.Ordinal)))
            {
                try
                {
                    if (!complete(experiment, row))
                    {
                        Console.Error.WriteLine($"time is over at {experiment.Name}: {row.Name}; the same command goes on there");
                        return isWhole;
                    }
                }
                catch (HienoException e)
                {
                    Console.Error.WriteLine($"{experiment.Name}: {row.Name} cannot be run: {e.Message}");
                    isWhole = false;
                }
            }
        }

        return isWhole;
    }
}
