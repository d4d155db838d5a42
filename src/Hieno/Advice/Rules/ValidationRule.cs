namespace Hieno.Advice.Rules;

/// <summary>Rows held out to see when a run begins to overfit.</summary>
internal sealed class ValidationRule : IAdviceRule
{
    private const int FewestRows = 50; // a tenth of fewer says next to nothing

    public Recommendation? Advise(AdviceFacts facts) =>
        facts.Run.Rows.Validation > 0 || facts.Run.Rows.Train < FewestRows ? null
        : new Recommendation("data.validation", "none", "10%", "without rows held out nobody sees when the run begins to overfit", "[D] ours")
        {
            Change = recipe => recipe with { Data = recipe.Data with { Validation = "10%" } },
        };
}
