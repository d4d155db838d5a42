namespace Hieno.Advice.Warnings;

/// <summary>Several passes over the rows with none held out: overfitting goes unseen.</summary>
/// <remarks>More than three passes, the default, is Hieno's own rule.</remarks>
internal sealed class NoValidation : IRunWarning
{
    private const int Unwatched = 3;

    public string Id => "no-validation";

    public string? Check(RunFacts facts) => facts.Rows.Validation > 0 || facts.Epochs <= Unwatched ? null
        : FormattableString.Invariant($"the run passes {facts.Epochs:0.#} times over its rows, and no validation row shows when it begins to overfit. Set 'data.validation: 10%', or to a file");
}
