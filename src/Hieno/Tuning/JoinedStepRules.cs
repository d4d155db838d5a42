using Hieno.Tensors;

namespace Hieno.Tuning;

/// <summary>The step rules of several methods, one after the other.</summary>
/// <param name="rules">The rules with the names of their adapters, which keep apart what they remember.</param>
internal sealed class JoinedStepRules(IReadOnlyList<(string Name, StepRule Rule)> rules) : StepRule
{
    /// <inheritdoc/>
    public override IEnumerable<(string Name, Tensor Value)> State =>
        rules.SelectMany(item => item.Rule.State.Select(state => ($"{item.Name}/{state.Name}", state.Value)));

    /// <inheritdoc/>
    public override void Begin(long totalSteps)
    {
        foreach ((_, StepRule rule) in rules)
        {
            rule.Begin(totalSteps);
        }
    }

    /// <inheritdoc/>
    public override double AddGradient() => rules.Sum(item => item.Rule.AddGradient());

    /// <inheritdoc/>
    public override void AfterStep(long step, float gradientScale)
    {
        foreach ((_, StepRule rule) in rules)
        {
            rule.AfterStep(step, gradientScale);
        }
    }

    /// <inheritdoc/>
    public override void Restore(Func<string, Shape, Tensor?> find)
    {
        foreach ((string name, StepRule rule) in rules)
        {
            rule.Restore((state, shape) => find($"{name}/{state}", shape));
        }
    }
}
