namespace Hieno.Advice.Warnings;

/// <summary>A step that reads all rows, or more than there are: few steps, each of the same gradient.</summary>
/// <remarks>Hieno's own rule.</remarks>
internal sealed class LargeBatch : IRunWarning
{
    public string Id => "large-batch";

    public string? Check(RunFacts facts) => facts.StepsPerEpoch > 1 || facts.Rows.Train == 1 ? null
        : $"a step reads {facts.RowsPerStep} rows, and there are only {facts.Rows.Train}: an epoch is a single step. Lower 'training.batchSize'{(facts.Recipe.Training.Accumulation > 1 ? " or 'training.accumulation'" : string.Empty)}";
}
