namespace Hieno.Benchmarks.Tuning;

/// <summary>The rate of a row that did best on held-out training rows.</summary>
/// <param name="Best">The rate.</param>
/// <param name="Tried">Each rate with its metric; NaN where the loss was no longer a number.</param>
internal sealed record RateChoice(double Best, IReadOnlyList<(double Rate, double Value)> Tried)
{
    /// <summary>True where a rate beyond those tried might do better still.</summary>
    public bool IsAtEdge => Best == Tried[0].Rate || Best == Tried[^1].Rate;

    /// <summary>The choice, or null as long as a run is missing.</summary>
    public static RateChoice? Of(TuningResults results, Experiment experiment, TuningRow row)
    {
        var tried = new List<(double Rate, double Value)>();
        foreach (double rate in row.Rates)
        {
            if (results.Find(experiment.HashOf(Measurement.Choice, row, rate, Experiment.ChoiceSeed), Measurement.Choice) is not { } result)
            {
                return null;
            }

            tried.Add((rate, result.Values.TryGetValue(experiment.ChoiceMetric, out double value) ? value : double.NaN));
        }

        var finite = tried.Where(item => double.IsFinite(item.Value)).ToList();
        return finite.Count == 0
            ? throw new BenchmarkException(ExitCode.Failed, $"tuning: {experiment.Name}: {row.Name} diverged at every rate. Give its row lower ones.")
            : new RateChoice((experiment.IsClassification ? finite.MaxBy(item => item.Value) : finite.MinBy(item => item.Value)).Rate, tried);
    }
}
