using Hieno.Advice.Rules;

namespace Hieno.Advice;

/// <summary>The one list of all rules of advice, in the order in which they are applied: later ones see what earlier ones changed.</summary>
internal static class BuiltInAdvice
{
    /// <summary>All rules.</summary>
    public static IReadOnlyList<IAdviceRule> All { get; } =
    [
        new MethodRule(),
        new FrozenDepthRule(),
        new BatchSizeRule(),
        new CheckpointingRule(),
        new EpochsRule(),
        new LearningRateRule(),
        new WarmupRule(),
        new ValidationRule(),
        new StoppingRule(),
    ];
}
