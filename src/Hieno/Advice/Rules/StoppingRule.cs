using Hieno.Training;

namespace Hieno.Advice.Rules;

/// <summary>Whether a run should end when it no longer gains.</summary>
internal sealed class StoppingRule : IAdviceRule
{
    private const int Long = 3;

    public Recommendation? Advise(AdviceFacts facts)
    {
        bool isOn = facts.Recipe.Training.EarlyStopping is not null;
        if (!isOn && (facts.Recipe.Data.Validation is null || facts.Run.Epochs <= Long))
        {
            return null;
        }

        return new Recommendation(
            "training.earlyStopping", isOn ? "on" : "off", "on",
            FormattableString.Invariant($"{facts.Run.Epochs:0.#} passes: the best weights may come before the last ones, and are kept"), "Dodge et al. 2020 (2002.06305); more than three passes is [D] ours")
        {
            Change = isOn ? null : recipe => recipe with { Training = recipe.Training with { EarlyStopping = new EarlyStoppingOptions() } },
        };
    }
}
