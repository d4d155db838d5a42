namespace Hieno.Advice.Warnings;

/// <summary>A learning rate ten times above or below the band that is usual for the method, the optimizer and the width of the model.</summary>
/// <remarks>The bands and their sources: <see cref="RateBand"/>. Ten times is Hieno's own rule.</remarks>
internal sealed class LearningRateOutside : IRunWarning
{
    private const double Far = 10;

    public string Id => "learning-rate";

    public string? Check(RunFacts facts)
    {
        if (RateBand.Of(facts) is not { } band || (facts.LearningRate <= Far * band.High && facts.LearningRate >= band.Low / Far))
        {
            return null;
        }

        bool isHigh = facts.LearningRate > band.High;
        string consequence = isHigh ? "weights may be thrown far from where they were of use" : "the run may end before anything was learned";
        return FormattableString.Invariant($"the learning rate {facts.LearningRate:g2} is more than ten times {(isHigh ? "above" : "below")} the usual {band.Low:g2} to {band.High:g2} of '{facts.Method}' with '{facts.Optimizer}' at width {facts.Width}: {consequence}. Set 'training.learningRate' inside the band");
    }
}
