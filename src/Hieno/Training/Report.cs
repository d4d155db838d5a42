using System.Globalization;
using System.Text;
using System.Text.Json;
using Hieno.Formats.Durable;
using Hieno.Metrics;
using Hieno.Recipes;
using Hieno.Tuning;

namespace Hieno.Training;

/// <summary>What a run gained and what it cost, for people (<c>report.md</c>) and for programs (<c>report.json</c>).</summary>
public sealed record Report
{
    /// <summary>The report for programs.</summary>
    public const string JsonFileName = "report.json";

    /// <summary>The report for people.</summary>
    public const string TextFileName = "report.md";

    /// <summary>Why the run ended.</summary>
    public required RunOutcome Outcome { get; init; }

    /// <summary>Optimizer steps done.</summary>
    public required long Steps { get; init; }

    /// <summary>Time spent training, evaluations included.</summary>
    public required double Seconds { get; init; }

    /// <summary>How many numbers learned.</summary>
    public required long TrainableWeights { get; init; }

    /// <summary>How many numbers there are.</summary>
    public required long TotalWeights { get; init; }

    /// <summary>Floating-point operations of the steps' forward passes; a multiply-add counts as two.</summary>
    public required long ForwardFlops { get; init; }

    /// <summary>Floating-point operations of the steps' backward passes.</summary>
    public required long BackwardFlops { get; init; }

    /// <summary>The most memory that steps used, in bytes.</summary>
    public required long PeakStepBytes { get; init; }

    /// <summary>The most memory the process used, in bytes.</summary>
    public required long PeakProcessBytes { get; init; }

    /// <summary>What the optimizer remembered at the end, in bytes.</summary>
    public long OptimizerBytes { get; init; }

    /// <summary>Metrics of the base model on the test rows.</summary>
    public required IReadOnlyDictionary<string, double> Before { get; init; }

    /// <summary>Metrics of the tuned model on the same rows.</summary>
    public required IReadOnlyDictionary<string, double> After { get; init; }

    /// <summary>Per-class figures on the test rows, as text; null where the task has no classes.</summary>
    public string? Classes { get; init; }

    /// <summary>How far each layer and each component of the model moved, as tables; null where an adapter learned and the model stayed as it was.</summary>
    public string? Changes { get; init; }

    /// <summary>Pictures in the run folder.</summary>
    public IReadOnlyList<ReportPicture> Pictures { get; init; } = [];

    /// <summary>Writes both forms into a run folder.</summary>
    public void Write(string folder, Recipe recipe, KindCatalog kinds)
    {
        DurableFile.ReplaceText(Path.Combine(folder, JsonFileName), JsonSerializer.Serialize(this with { Classes = null, Changes = null }, RunJson.Indented) + "\n");
        DurableFile.ReplaceText(Path.Combine(folder, TextFileName), ToMarkdown(recipe, kinds));
    }

    /// <summary>Before and after, side by side.</summary>
    public string Comparison()
    {
        var text = new StringBuilder("| on the test rows | before | after |\n|---|--:|--:|\n");
        foreach ((string name, double after) in After)
        {
            string before = Before.TryGetValue(name, out double value) ? Number(value) : "–";
            text.Append(CultureInfo.InvariantCulture, $"| {name} | {before} | {Number(after)} |\n");
        }

        return text.ToString();
    }

    /// <summary>A number with four decimals.</summary>
    public static string Number(double value) => value.ToString("0.0000", CultureInfo.InvariantCulture);

    private string ToMarkdown(Recipe recipe, KindCatalog kinds)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"# Run report\n\n{Outcome} after {Steps} steps and {Seconds:0.0} s. ");
        text.Append(CultureInfo.InvariantCulture, $"{TrainableWeights:N0} of {TotalWeights:N0} weights learned ({100.0 * TrainableWeights / TotalWeights:0.###} %). ");
        text.Append(CultureInfo.InvariantCulture, $"Steps used at most {PeakStepBytes / 1048576.0:0} MiB, the process {PeakProcessBytes / 1048576.0:0} MiB. ");
        double total = ForwardFlops + BackwardFlops;
        text.Append(CultureInfo.InvariantCulture, $"They computed {total / 1e9:N3} billion floating-point operations, {100 * ForwardFlops / Math.Max(1, total):0} % of them forward. ");
        text.Append(CultureInfo.InvariantCulture, $"The optimizer remembered {OptimizerBytes / 1048576.0:0.0} MiB, {(double)OptimizerBytes / TrainableWeights:0.00} bytes for each weight that learned.\n\n");
        if (After.Count > 0)
        {
            text.Append(Comparison()).Append('\n');
        }

        if (Classes is not null)
        {
            text.Append("## Classes\n\n```\n").Append(Classes.TrimEnd()).Append("\n```\n\n");
        }

        foreach (ReportPicture picture in Pictures)
        {
            text.Append(CultureInfo.InvariantCulture, $"![{picture.Title}]({picture.File})\n\n{picture.Title}.\n\n");
        }

        if (Changes is not null)
        {
            text.Append("## What moved\n\n").Append(Changes).Append('\n');
        }

        text.Append("## Recipe\n\n```yaml\n").Append(RecipeWriter.ToYaml(recipe, kinds).TrimEnd()).Append("\n```\n");
        return text.ToString();
    }
}
