namespace Hieno.Advice.Warnings;

/// <summary>The second phase of LP-FT without early stopping: it starts from a fitted layer and soon overfits.</summary>
/// <remarks>Hieno's own rule.</remarks>
internal sealed class ProbeWithoutStopping : IRunWarning
{
    public string Id => "probe-without-stopping";

    public string? Check(RunFacts facts) => facts.Recipe.Training.Probe is null || facts.Recipe.Training.EarlyStopping is not null ? null
        : "the second phase after 'training.probe' starts from a fitted output layer and overfits fast, but nothing stops it. Set 'training.earlyStopping: { patience: 3 }'";
}
