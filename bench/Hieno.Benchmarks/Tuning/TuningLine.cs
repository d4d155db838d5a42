using System.Globalization;

namespace Hieno.Benchmarks.Tuning;

/// <summary>What is known of a row so far.</summary>
/// <param name="Row">The row.</param>
/// <param name="Choice">Its rate, or null as long as a run that chooses it is missing.</param>
/// <param name="Tests">A result for each seed that was run.</param>
/// <param name="Costs">What a step costs, or null.</param>
internal sealed record TuningLine(TuningRow Row, RateChoice? Choice, IReadOnlyList<TuningResult> Tests, TuningResult? Costs)
{
    private const string Missing = "–";

    /// <summary>Collects the results of a row.</summary>
    public static TuningLine Of(Experiment experiment, TuningRow row, TuningResults results)
    {
        RateChoice? choice = RateChoice.Of(results, experiment, row);
        TuningResult? cost = results.Find(experiment.HashOf(Measurement.Cost, row, row.Rates[0], Experiment.Seeds[0]), Measurement.Cost);
        if (choice is null)
        {
            return new TuningLine(row, null, [], cost);
        }

        TuningResult[] tests = [.. Experiment.Seeds.Select(seed => results.Find(experiment.HashOf(Measurement.Test, row, choice.Best, seed), Measurement.Test)).OfType<TuningResult>()];
        return new TuningLine(row, choice, tests, cost);
    }

    /// <summary>How many weights learn, or 0 where no run was made.</summary>
    public long TrainableCount => Any?.Trainable ?? 0;

    /// <summary>How many weights learn, as text.</summary>
    public string Trainable => Any?.Trainable.ToString("N0", CultureInfo.InvariantCulture) ?? Missing;

    /// <summary>The share of all weights that learn.</summary>
    public string Share => Any is { } run ? (100.0 * run.Trainable / run.Total).ToString("0.##", CultureInfo.InvariantCulture) + " %" : Missing;

    private TuningResult? Any => Tests.Count > 0 ? Tests[0] : Costs;

    /// <summary>The mean over the seeds; NaN where no run was made.</summary>
    public double Mean(string metric) => Tests.Count > 0 ? Tests.Average(test => test.Values[metric]) : double.NaN;

    /// <summary>The sample's standard deviation over the seeds.</summary>
    public double Deviation(string metric)
    {
        double mean = Mean(metric);
        return Tests.Count < 2 ? 0 : Math.Sqrt(Tests.Sum(test => Math.Pow(test.Values[metric] - mean, 2)) / (Tests.Count - 1));
    }

    /// <summary>Mean and deviation, and how many seeds where some are missing.</summary>
    public string Spread(string metric, double factor)
    {
        string format = factor == 100 ? "0.0" : "0.00";
        return Tests.Count == 0 ? Missing
            : $"{(factor * Mean(metric)).ToString(format, CultureInfo.InvariantCulture)} ± {(factor * Deviation(metric)).ToString(format, CultureInfo.InvariantCulture)}{(Tests.Count < Experiment.Seeds.Length ? $" ({Tests.Count} seeds)" : "")}";
    }

    /// <summary>A figure of the cost.</summary>
    public string Cost(string name, double factor, string format) => Costs is null ? Missing : (factor * Costs.Values[name]).ToString(format, CultureInfo.InvariantCulture);

    /// <summary>The flags that make this row, without the seed; without the rate as long as that is not chosen.</summary>
    public string Settings(Experiment experiment) =>
        string.Join(' ', experiment.Flags(Row, Choice?.Best ?? Row.Rates[0], Experiment.Seeds[0]).SkipLast(Choice is null ? 4 : 2));
}
