namespace Hieno.Advice.Warnings;

/// <summary>Many more passes than so few rows usually bear, watched but never stopped.</summary>
/// <remarks>The usual passes and their sources: <see cref="EpochRange"/>. Twice their upper end is Hieno's own rule.</remarks>
internal sealed class ManyEpochs : IRunWarning
{
    private const int Many = 2;

    public string Id => "many-epochs";

    public string? Check(RunFacts facts)
    {
        var range = EpochRange.Of(facts.Rows.Train);
        bool isStopped = facts.Recipe.Training.EarlyStopping is not null;
        bool isWatched = facts.Rows.Validation > 0; // without validation rows, another warning says so
        return isStopped || !isWatched || facts.Recipe.Start == Recipes.Start.Random || facts.Epochs <= Many * range.Most ? null
            : FormattableString.Invariant($"{facts.Epochs:0.#} passes over {facts.Rows.Train} rows are more than twice the usual {range.Least} to {range.Most}, and nothing stops the run when it overfits. Set 'training.earlyStopping: {{ patience: 3 }}', or lower 'training.epochs'");
    }
}
