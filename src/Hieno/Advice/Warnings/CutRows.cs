namespace Hieno.Advice.Warnings;

/// <summary>A large share of the rows is longer than what is read of them.</summary>
/// <remarks>A tenth of the rows is Hieno's own rule.</remarks>
internal sealed class CutRows : IRunWarning
{
    public string Id => "cut-rows";

    public string? Check(RunFacts facts) => facts.Rows.Cut * 10L <= facts.Rows.Train ? null
        : FormattableString.Invariant($"{facts.Rows.Cut} of {facts.Rows.Train} rows ({100.0 * facts.Rows.Cut / facts.Rows.Train:0.#} %) are cut at {facts.Rows.Lengths[0]} tokens, and what follows is never learned. Raise 'data.maxLength' where the model can read more, or split the rows");
}
