namespace Hieno.Advice.Warnings;

/// <summary>A warm-up that takes most of the run: the rate that was set is hardly or never reached.</summary>
/// <remarks>Half of the steps is Hieno's own rule.</remarks>
internal sealed class LongWarmup : IRunWarning
{
    public string Id => "long-warmup";

    public string? Check(RunFacts facts) => facts.WarmupSteps * 2 <= facts.Steps ? null
        : $"the rate rises over {facts.WarmupSteps} of {facts.Steps} steps. Lower 'training.{(facts.Recipe.Training.WarmupSteps is null ? "warmupRatio" : "warmupSteps")}' to a tenth of the run";
}
