namespace Hieno.Advice.Warnings;

/// <summary>One label has so many of the rows that always guessing it looks good by accuracy.</summary>
/// <remarks>Three quarters with two labels, near one half with many, is Hieno's own rule.</remarks>
internal sealed class UnevenLabels : IRunWarning
{
    public string Id => "uneven-labels";

    public string? Check(RunFacts facts)
    {
        if (facts.Rows.Labels.Count == 0)
        {
            return null;
        }

        (string label, int rows) = facts.Rows.Labels.MaxBy(pair => pair.Value);
        double share = (double)rows / facts.Rows.Train;
        double bound = 0.5 + (0.5 / facts.Rows.Labels.Count);
        string watched = facts.Recipe.Training.EarlyStopping?.Metric ?? (facts.Recipe.Evaluation.Metrics is [var first, ..] ? first : "accuracy");
        string judged = watched == "accuracy" ? ", and accuracy, by which the run is judged, would call that good. Watch 'macro-f1' or 'balanced-accuracy', and" : ". Judge by 'macro-f1', and";
        return share < bound ? null
            : FormattableString.Invariant($"{100 * share:0.#} % of the rows have the label '{label}': a model that always says so is right as often{judged} give more rows of the others");
    }
}
