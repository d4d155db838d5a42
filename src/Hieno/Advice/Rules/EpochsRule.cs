using Hieno.Recipes;

namespace Hieno.Advice.Rules;

/// <summary>How many passes over the rows, by their number.</summary>
internal sealed class EpochsRule : IAdviceRule
{
    public Recommendation? Advise(AdviceFacts facts)
    {
        if (facts.Recipe.Start == Start.Random)
        {
            return null; // pretraining goes on as long as it gains
        }

        var range = EpochRange.Of(facts.Run.Rows.Train);
        double now = facts.Run.Epochs;
        int advised = (int)Math.Round(Math.Clamp(now, range.Least, range.Most));
        bool isStopped = facts.Recipe.Training.EarlyStopping is not null && facts.Run.Rows.Validation > 0;
        bool isFollowed = now >= range.Least && (now <= range.Most || isStopped);
        string stopped = isStopped && now > range.Most ? "; early stopping ends them when they no longer help" : string.Empty;
        return new Recommendation(
            "training.epochs", FormattableString.Invariant($"{now:0.#}"), isFollowed ? FormattableString.Invariant($"{range.Least} to {range.Most}") : FormattableString.Invariant($"{advised}"),
            FormattableString.Invariant($"{range.Least} to {range.Most} passes are usual over {facts.Run.Rows.Train} rows{stopped}"), range.Source)
        {
            Change = isFollowed ? null : recipe => recipe with { Training = recipe.Training with { Epochs = advised, MaxSteps = null } },
        };
    }
}
