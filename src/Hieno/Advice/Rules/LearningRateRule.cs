namespace Hieno.Advice.Rules;

/// <summary>The learning rate, for the method, the optimizer and the width of the model.</summary>
internal sealed class LearningRateRule : IAdviceRule
{
    public Recommendation? Advise(AdviceFacts facts)
    {
        // The usual rates are those of transformers on texts; of networks that read pictures nothing is known that would help.
        if (facts.Run.Task.StartsWith("image-", StringComparison.Ordinal) || RateBand.Of(facts.Run) is not { } band)
        {
            return null;
        }

        double now = facts.Run.LearningRate;
        bool isFollowed = now >= band.Low && now <= band.High;
        return new Recommendation(
            "training.learningRate", FormattableString.Invariant($"{now:0.##e-0}"),
            isFollowed ? FormattableString.Invariant($"{band.Low:0.##e-0} to {band.High:0.##e-0}") : FormattableString.Invariant($"{band.Middle:0.##e-0}"),
            FormattableString.Invariant($"{band.Low:0.##e-0} to {band.High:0.##e-0} is usual for '{facts.Run.Method}' with '{facts.Run.Optimizer}' at width {facts.Run.Width}"), band.Source)
        {
            Change = isFollowed ? null : recipe => recipe with { Training = recipe.Training with { LearningRate = band.Middle } },
        };
    }
}
