using System.Globalization;
using System.Text;
using Hieno.Charts;
using Hieno.Metrics;
using Hieno.Models;

namespace Hieno.Merging;

/// <summary>The interpolated model at one α.</summary>
/// <param name="Alpha">α: 0 is the start, 1 the tuned model.</param>
/// <param name="Validation">The metric on rows like those of training.</param>
/// <param name="Shifted">The metric on rows of another kind, or null.</param>
public sealed record SweepPoint(double Alpha, double Validation, double? Shifted);

/// <summary>A metric of the models between a start and an end, on rows like those of training and on rows of another kind.</summary>
/// <param name="Metric">Its name.</param>
/// <param name="HigherIsBetter">Whether more is better.</param>
/// <param name="Points">The models that were measured, by ascending α.</param>
/// <remarks>Wortsman et al. 2021, <see href="https://arxiv.org/abs/2109.01903"/>, section 4: α = 0.5 is a good choice without rows to choose by.</remarks>
public sealed record AlphaSweep(string Metric, bool HigherIsBetter, IReadOnlyList<SweepPoint> Points)
{
    /// <summary>0, 0.1, …, 1.</summary>
    public static IReadOnlyList<double> DefaultAlphas { get; } = [.. Enumerable.Range(0, 11).Select(tenth => tenth / 10.0)];

    /// <summary>The best on the validation rows; of equal ones the one nearest to the start.</summary>
    public SweepPoint Best => (HigherIsBetter ? Points.OrderByDescending(point => point.Validation) : Points.OrderBy(point => point.Validation)).First();

    /// <summary>Measures the models between two ends, one after the other in the memory of one model.</summary>
    /// <param name="start">θ₀, as <see cref="WeightMix.Interpolate"/> has it.</param>
    /// <param name="end">θ₁.</param>
    /// <param name="alphas">Which; at least one.</param>
    /// <param name="metric">What is measured.</param>
    /// <param name="validation">Measures a model on rows like those of training.</param>
    /// <param name="shifted">Measures a model on rows of another kind; null for none.</param>
    /// <exception cref="MergeException">The models do not fit each other.</exception>
    /// <exception cref="Formats.CheckpointException">A file is missing or malformed.</exception>
    public static AlphaSweep Run(string start, string end, IReadOnlyList<double> alphas, IMetric metric, Func<PretrainedModel, double> validation, Func<PretrainedModel, double>? shifted = null)
    {
        ArgumentNullException.ThrowIfNull(alphas);
        ArgumentNullException.ThrowIfNull(metric);
        ArgumentNullException.ThrowIfNull(validation);
        ArgumentOutOfRangeException.ThrowIfZero(alphas.Count);
        PretrainedModel model = LoadedModel.Open(end).Model;
        var points = new List<SweepPoint>();
        foreach (double alpha in alphas.Distinct().Order())
        {
            using WeightMix mix = WeightMix.Interpolate(start, end, alpha);
            mix.LoadInto(model);
            points.Add(new SweepPoint(alpha, validation(model), shifted?.Invoke(model)));
        }

        return new AlphaSweep(metric.Name, metric.HigherIsBetter, points);
    }

    /// <summary>The table of all points in Markdown.</summary>
    public string ToMarkdown()
    {
        bool hasShifted = Points.Any(point => point.Shifted is not null);
        var text = new StringBuilder($"| α | {Metric}, validation |{(hasShifted ? $" {Metric}, shifted |" : string.Empty)}\n|--:|--:|{(hasShifted ? "--:|" : string.Empty)}\n");
        foreach (SweepPoint point in Points)
        {
            text.Append(CultureInfo.InvariantCulture, $"| {point.Alpha:0.###} | {point.Validation:0.0000} |");
            text.Append(hasShifted ? string.Create(CultureInfo.InvariantCulture, $" {point.Shifted:0.0000} |\n") : "\n");
        }

        return text.ToString();
    }

    /// <summary>The curves as the text of an SVG file.</summary>
    /// <param name="subtitle">What was measured.</param>
    public string ToSvg(string subtitle)
    {
        double[] alphas = [.. Points.Select(point => point.Alpha)];
        var lines = new List<ChartLine> { new("validation", alphas, [.. Points.Select(point => point.Validation)]) };
        if (Points.All(point => point.Shifted is not null))
        {
            lines.Add(new("shifted", alphas, [.. Points.Select(point => point.Shifted!.Value)]));
        }

        return new LineChart($"{Metric} between start (α = 0) and tuned model (α = 1)", subtitle, "α", Metric, lines).ToSvg();
    }
}
