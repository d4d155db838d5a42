using Hieno.Formats;

namespace Hieno.Metrics;

/// <summary>What a model said about a set of examples, beside what was right.</summary>
public abstract class Predictions
{
    private double[]? _losses;

    /// <summary>Number of examples.</summary>
    public abstract int Count { get; }

    /// <summary>The loss of each example, for the metric <c>loss</c>; null where it was not recorded.</summary>
    public IReadOnlyList<double>? Losses => _losses;

    /// <summary>The same predictions with the loss of each example.</summary>
    /// <exception cref="ArgumentException">There is not one loss for each example.</exception>
    /// <exception cref="MetricException">A loss is NaN.</exception>
    public Predictions WithLosses(double[] losses)
    {
        ArgumentNullException.ThrowIfNull(losses);
        if (losses.Length != Count)
        {
            throw new ArgumentException($"Predictions: {losses.Length} losses for {Count} examples. Give one for each.", nameof(losses));
        }

        int nan = Array.FindIndex(losses, double.IsNaN);
        if (nan >= 0)
        {
            throw new MetricException(ErrorCodes.MetricNotFinite, "Predictions", $"the loss of row {nan} is NaN", "Look at that row, and at the training loss before it");
        }

        var copy = (Predictions)MemberwiseClone(); // shares the predictions, which never change
        copy._losses = [.. losses];
        return copy;
    }

    /// <summary>The same kind of predictions for a choice of rows, in the given order; a row may be named more than once.</summary>
    /// <param name="rows">Indexes of rows, each from 0 to <see cref="Count"/> − 1.</param>
    public Predictions Select(ReadOnlySpan<int> rows)
    {
        Predictions selected = SelectRows(rows);
        selected._losses = _losses is null ? null : Pick(_losses, rows);
        return selected;
    }

    /// <summary>What <see cref="Select"/> returns, without the losses, which it takes care of.</summary>
    protected abstract Predictions SelectRows(ReadOnlySpan<int> rows);

    /// <summary>These predictions as the kind that a metric needs.</summary>
    /// <param name="metric">The metric that asks.</param>
    /// <exception cref="MetricException">They are of another kind, or there is no row.</exception>
    public T Require<T>(IMetric metric)
        where T : Predictions
    {
        ArgumentNullException.ThrowIfNull(metric);
        RequireRows(metric);
        return this as T ?? throw new MetricException(
            ErrorCodes.MetricWrongKind, metric.Name, $"it measures {typeof(T).Name}, and this task yields {GetType().Name}",
            "Choose a metric of the task: see docs/metrics.md");
    }

    /// <summary>Refuses an empty set.</summary>
    internal void RequireRows(IMetric metric)
    {
        if (Count == 0)
        {
            throw new MetricException(ErrorCodes.MetricEmpty, metric.Name, "there is no row to measure", "Give the evaluation at least one row");
        }
    }

    /// <summary>The elements of <paramref name="values"/> at <paramref name="rows"/>.</summary>
    protected static T[] Pick<T>(T[] values, ReadOnlySpan<int> rows)
    {
        ArgumentNullException.ThrowIfNull(values);
        var picked = new T[rows.Length];
        for (int i = 0; i < rows.Length; i++)
        {
            picked[i] = values[rows[i]];
        }

        return picked;
    }
}
