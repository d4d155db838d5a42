using System.Diagnostics;
using Hieno.Formats;
using Hieno.Recipes;
using Hieno.Tensors.Cpu;
using Hieno.Training;

namespace Hieno.Benchmarks.Tuning;

/// <summary>Makes the runs whose metrics do not depend on the machine: the choice of each row's rate, then the seeds that are reported.</summary>
/// <param name="results">The results so far.</param>
/// <param name="backend">Where it computes; the number of its threads changes no digit.</param>
/// <param name="seconds">No run begins after that many seconds.</param>
internal sealed class MetricRuns(TuningResults results, CpuBackend backend, double seconds)
{
    private readonly long _start = Stopwatch.GetTimestamp();

    private bool IsOver => Stopwatch.GetElapsedTime(_start).TotalSeconds > seconds;

    /// <summary>Makes the runs of a row that are missing.</summary>
    /// <returns>False when the time was over before all were made.</returns>
    public bool Complete(Experiment experiment, TuningRow row)
    {
        foreach (double rate in row.Rates)
        {
            Recipe recipe = experiment.Choice(row, rate);
            if (!Make(experiment, row, rate, Experiment.ChoiceSeed, recipe, Measurement.Choice))
            {
                return false;
            }
        }

        double best = RateChoice.Of(results, experiment, row)!.Best;
        return Array.TrueForAll(Experiment.Seeds, seed => Make(experiment, row, best, seed, experiment.Test(row, best, seed), Measurement.Test));
    }

    private bool Make(Experiment experiment, TuningRow row, double rate, ulong seed, Recipe recipe, Measurement what)
    {
        string hash = experiment.HashOf(what, row, rate, seed);
        if (results.Find(hash, what) is not null)
        {
            return true;
        }

        if (IsOver)
        {
            return false;
        }

        if (row.NeedsFull)
        {
            MakeFull(experiment);
        }

        TuningResult result = Run(experiment, row, rate, seed, recipe, what, hash);
        results.Add(result);
        string metric = what == Measurement.Choice ? experiment.ChoiceMetric : experiment.Metric;
        Console.Error.WriteLine($"{experiment.Name}: {row.Name}, rate {Experiment.Rate(rate)}, seed {seed}: {metric} {(result.Values.TryGetValue(metric, out double value) ? value : double.NaN):0.####} ({(what == Measurement.Choice ? "held-out training rows" : "test rows")})");
        return true;
    }

    // The results say how good the tuned model was, but the model itself may be gone, or may never have been here.
    private void MakeFull(Experiment experiment)
    {
        if (!Directory.Exists(experiment.FullModel))
        {
            TuningRow full = experiment.Rows.Single(row => row.Name == TuningRow.Full);
            RateChoice choice = RateChoice.Of(results, experiment, full)
                ?? throw new BenchmarkException(ExitCode.Usage, $"tuning: {experiment.Name}: the row '{TuningRow.Full}' comes first, for others begin with its model. Run the command without --only.");
            FineTuner.Create(experiment.Test(full, choice.Best, Experiment.Seeds[0]), new FineTunerOptions { Overwrite = true, Backend = backend }).Run();
        }
    }

    // A rate at which the loss is no longer a number is a result too: it is not chosen.
    private TuningResult Run(Experiment experiment, TuningRow row, double rate, ulong seed, Recipe recipe, Measurement what, string hash)
    {
        (long trainable, long total) = (0, 0);
        IReadOnlyDictionary<string, double> values = new Dictionary<string, double>(StringComparer.Ordinal);
        string split = what == Measurement.Choice ? "validation" : "test";
        try
        {
            FineTuner.Create(recipe, new FineTunerOptions { Overwrite = true, Backend = backend }).Run(happening =>
            {
                switch (happening)
                {
                    case RunStarted started:
                        (trainable, total) = (started.TrainableWeights, started.TotalWeights);
                        break;
                    case Evaluated measured when measured.Split == split:
                        values = measured.Metrics;
                        break;
                }
            });
        }
        catch (TrainingException e) when (e.Code == ErrorCodes.TrainingDiverged && what == Measurement.Choice)
        {
            Console.Error.WriteLine($"{experiment.Name}: {row.Name}, rate {Experiment.Rate(rate)}: {e.Message}");
        }

        return new TuningResult(hash, what, experiment.Name, row.Name, rate, seed, trainable, total, values);
    }
}
