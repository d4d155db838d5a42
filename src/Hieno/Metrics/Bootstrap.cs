using System.ComponentModel.DataAnnotations;
using Hieno.Formats;
using Hieno.Tensors;

namespace Hieno.Metrics;

/// <summary>Settings of <see cref="Bootstrap"/>.</summary>
public sealed record BootstrapOptions
{
    /// <summary>How often the rows are drawn anew. Default 1000.</summary>
    [Range(1, 1_000_000)]
    public int Resamples { get; init; } = 1000;

    /// <summary>The share of the drawn values that lies inside the interval. Default 0.95.</summary>
    [Range(0.5, 0.9999)]
    public double Confidence { get; init; } = 0.95;

    /// <summary>Seed of the draws: the same seed and rows give the same interval. Default 0.</summary>
    public ulong Seed { get; init; }
}

/// <summary>A value and how far chance in the choice of rows may move it.</summary>
/// <param name="Metric">The metric's name.</param>
/// <param name="Value">The metric of all rows, or the difference of two models.</param>
/// <param name="Low">Lower end of the interval; NaN where no draw was defined.</param>
/// <param name="High">Upper end of the interval; NaN where no draw was defined.</param>
/// <param name="Confidence">The share of the draws inside.</param>
/// <param name="Resamples">Number of draws.</param>
/// <param name="Undefined">Draws for which the metric was undefined, e.g. because a label was missing; they are left out.</param>
public sealed record ConfidenceInterval(string Metric, double Value, double Low, double High, double Confidence, int Resamples, int Undefined)
{
    /// <summary>True when the interval does not hold 0: a difference that chance in the choice of rows hardly explains.</summary>
    public bool ExcludesZero => Low > 0 || High < 0;
}

/// <summary>Confidence intervals from drawing the rows with replacement, again and again: the percentile bootstrap.</summary>
/// <remarks>Efron 1979, <see href="https://doi.org/10.1214/aos/1176344552"/>. The interval is about the rows: it does not see how another training seed would do.</remarks>
public static class Bootstrap
{
    /// <summary>The interval of a metric.</summary>
    /// <param name="metric">The metric.</param>
    /// <param name="predictions">At least one row.</param>
    /// <param name="options">Number of draws, confidence, seed; null takes the defaults.</param>
    /// <exception cref="MetricException">There is no row, or the predictions are of a kind the metric cannot use.</exception>
    public static ConfidenceInterval Interval(IMetric metric, Predictions predictions, BootstrapOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(metric);
        ArgumentNullException.ThrowIfNull(predictions);
        return Compute(metric.Name, predictions.Count, metric.Compute(predictions), options ?? new BootstrapOptions(),
            rows => metric.Compute(predictions.Select(rows)));
    }

    /// <summary>The interval of the difference between two models on the same rows: each draw takes the same rows of both.</summary>
    /// <param name="metric">The metric.</param>
    /// <param name="before">The predictions that are subtracted.</param>
    /// <param name="after">The predictions they are subtracted from, in the same order of rows.</param>
    /// <param name="options">Number of draws, confidence, seed; null takes the defaults.</param>
    /// <exception cref="ArgumentException">The two are not about the same number of rows.</exception>
    /// <exception cref="MetricException">There is no row, or the predictions are of a kind the metric cannot use.</exception>
    public static ConfidenceInterval Difference(IMetric metric, Predictions before, Predictions after, BootstrapOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(metric);
        ArgumentNullException.ThrowIfNull(before);
        ArgumentNullException.ThrowIfNull(after);
        if (before.Count != after.Count)
        {
            throw new ArgumentException(
                $"Bootstrap: {before.Count} rows before and {after.Count} after. Compare models on the same rows, in the same order.", nameof(after));
        }

        return Compute(metric.Name, before.Count, metric.Compute(after) - metric.Compute(before), options ?? new BootstrapOptions(),
            rows => metric.Compute(after.Select(rows)) - metric.Compute(before.Select(rows)));
    }

    private static ConfidenceInterval Compute(string name, int count, double value, BootstrapOptions options, Func<int[], double> measure)
    {
        var rng = new Rng(options.Seed, RngStream.Resampling);
        var rows = new int[count];
        var draws = new List<double>(options.Resamples);
        for (int resample = 0; resample < options.Resamples; resample++)
        {
            for (int i = 0; i < count; i++)
            {
                rows[i] = rng.Below(count, (ulong)resample, (ulong)i);
            }

            if (Defined(measure, rows) is { } drawn)
            {
                draws.Add(drawn);
            }
        }

        draws.Sort();
        double tail = (1 - options.Confidence) / 2;
        return new ConfidenceInterval(
            name, value, Quantile(draws, tail), Quantile(draws, 1 - tail), options.Confidence, options.Resamples, options.Resamples - draws.Count);
    }

    // The value of a draw; null where it is undefined, also because only rows without a target token were drawn.
    private static double? Defined(Func<int[], double> measure, int[] rows)
    {
        try
        {
            double value = measure(rows);
            return double.IsNaN(value) ? null : value;
        }
        catch (MetricException error) when (string.Equals(error.Code, ErrorCodes.MetricEmpty, StringComparison.Ordinal))
        {
            return null;
        }
    }

    // Linear between the two neighbouring order statistics.
    private static double Quantile(List<double> sorted, double share)
    {
        if (sorted.Count == 0)
        {
            return double.NaN;
        }

        double place = share * (sorted.Count - 1);
        int below = (int)place;
        double low = sorted[below];
        double high = sorted[Math.Min(below + 1, sorted.Count - 1)];
        return low == high ? low : low + ((place - below) * (high - low)); // equal infinities have no difference
    }
}
