using Hieno.Advice.Warnings;

namespace Hieno.Advice;

/// <summary>The one list of all warnings before a run.</summary>
internal static class BuiltInWarnings
{
    /// <summary>All warnings, in the order in which they are told.</summary>
    public static IReadOnlyList<IRunWarning> All { get; } =
    [
        new RandomHead(),
        new LearningRateOutside(),
        new ProbeWithoutStopping(),
        new ManyEpochs(),
        new NoValidation(),
        new LargeBatch(),
        new LongWarmup(),
        new UnevenLabels(),
        new TargetScale(),
        new CutRows(),
        new EndNotLearned(),
        new DoubleStart(),
        new LeakedRows(),
        new NotEnoughMemory(),
    ];

    /// <summary>Their names.</summary>
    public static IReadOnlyList<string> Ids { get; } = [.. All.Select(warning => warning.Id)];

    /// <summary>What is wrong with a run, without what its recipe silences.</summary>
    public static IEnumerable<(string Id, string Text)> Of(RunFacts facts)
    {
        foreach (IRunWarning warning in All)
        {
            if (!facts.Recipe.Silence.Contains(warning.Id, StringComparer.Ordinal) && warning.Check(facts) is { } text)
            {
                yield return (warning.Id, text);
            }
        }
    }
}
