using Hieno.Advice.Warnings;

namespace Hieno.Advice.Rules;

/// <summary>A gentle start for a random output layer beside a body that learns.</summary>
internal sealed class WarmupRule : IAdviceRule
{
    private const double Share = 0.1;

    public Recommendation? Advise(AdviceFacts facts)
    {
        if (new RandomHead().Check(facts.Run) is null)
        {
            return null;
        }

        return new Recommendation(
            "training.warmupRatio", "0", "0.1", "the output layer starts at random; small first steps let it find its place before the body moves",
            "Mosbach et al. 2020 (2006.04884), section 6: a tenth of the steps; feature distortion: Kumar et al. 2022 (2202.10054), section 3")
        {
            Change = recipe => recipe with { Training = recipe.Training with { WarmupRatio = Share, WarmupSteps = null } },
        };
    }
}
