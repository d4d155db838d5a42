namespace Hieno.Metrics;

/// <summary>How a measure of several outputs becomes one number.</summary>
public enum OutputAverage
{
    /// <summary>The plain mean.</summary>
    Uniform,

    /// <summary>The mean weighted by the variance of each output's truth.</summary>
    VarianceWeighted,
}

// The parts that the measures of regression share.
internal static class OutputMeasures
{
    /// <summary>A measure of one output.</summary>
    public delegate double Measure(ReadOnlySpan<double> truth, ReadOnlySpan<double> predicted);

    /// <summary>The mean of a measure over the outputs.</summary>
    public static double MeanOverOutputs(this Predictions predictions, IMetric metric, Measure measure, OutputAverage average = OutputAverage.Uniform)
    {
        var numbers = predictions.Require<NumberPredictions>(metric);
        (double sum, double weights, double plain) = (0, 0, 0);
        for (int output = 0; output < numbers.OutputCount; output++)
        {
            double value = measure(numbers.Truth(output), numbers.Predicted(output));
            double weight = average == OutputAverage.VarianceWeighted ? SquaredDeviations(numbers.Truth(output)) : 1;
            sum += weight * value;
            weights += weight;
            plain += value;
        }

        // Where no output varies, all weights are 0 and the plain mean is all there is.
        return weights > 0 ? sum / weights : plain / numbers.OutputCount;
    }

    /// <summary>The mean over the rows of a function of truth and prediction.</summary>
    public static double MeanOverRows(ReadOnlySpan<double> truth, ReadOnlySpan<double> predicted, Func<double, double, double> of)
    {
        double sum = 0;
        for (int row = 0; row < truth.Length; row++)
        {
            sum += of(truth[row], predicted[row]);
        }

        return sum / truth.Length;
    }

    /// <summary>Σ(x − x̄)²; exactly 0 where all values are equal, also where their mean is rounded.</summary>
    public static double SquaredDeviations(ReadOnlySpan<double> values)
    {
        if (values.IndexOfAnyExcept(values[0]) < 0)
        {
            return 0;
        }

        double mean = Mean(values);
        double sum = 0;
        foreach (double value in values)
        {
            sum += (value - mean) * (value - mean);
        }

        return sum;
    }

    /// <summary>The plain mean.</summary>
    public static double Mean(ReadOnlySpan<double> values)
    {
        double sum = 0;
        foreach (double value in values)
        {
            sum += value;
        }

        return sum / values.Length;
    }

    /// <summary>Prediction minus truth, row by row.</summary>
    public static double[] Errors(ReadOnlySpan<double> truth, ReadOnlySpan<double> predicted)
    {
        var errors = new double[truth.Length];
        for (int row = 0; row < errors.Length; row++)
        {
            errors[row] = predicted[row] - truth[row];
        }

        return errors;
    }
}
