using Hieno.Recipes;
using Hieno.Tuning;

namespace Hieno.Advice.Rules;

/// <summary>How many blocks from the bottom stay as they are, by what the base knows of the task and how many rows there are.</summary>
internal sealed class FrozenDepthRule : IAdviceRule
{
    private const int FewRows = 2_000;
    private const double Half = (Similarity.Low + Similarity.High) / 2;

    public Recommendation? Advise(AdviceFacts facts)
    {
        if (facts.Recipe.Start == Start.Random || facts.Recipe.Tuning is not (FullOptions or PartialOptions) || facts.Similarity is not { } similarity)
        {
            return null; // the head alone and adapters freeze everything
        }

        bool isFew = facts.Run.Rows.Train < FewRows;
        int frozen = isFew && similarity.Score >= Half ? facts.Run.Blocks / 2 : 0;
        int now = Frozen(facts);
        string reason = frozen > 0
            ? FormattableString.Invariant($"with {facts.Run.Rows.Train} rows of a task that the base knows well (similarity {similarity.Score:0.00}) the lower half need not change")
            : isFew ? FormattableString.Invariant($"the base knows too little of the task (similarity {similarity.Score:0.00}) to keep blocks as they are")
            : FormattableString.Invariant($"{facts.Run.Rows.Train} rows are enough for all blocks");
        return new Recommendation(
            "tuning.freezeFirst", FormattableString.Invariant($"{now} of {facts.Run.Blocks}"), FormattableString.Invariant($"{frozen} of {facts.Run.Blocks}"), reason,
            "Yosinski et al. 2014 (1411.1792), section 4: lower layers are more general; the bounds are [D] ours")
        {
            Change = now == frozen || facts.Recipe.Tuning is PartialOptions { Parts.Count: > 0 } or PartialOptions { Names.Count: > 0 } ? null
                : recipe => recipe with { Tuning = frozen == 0 ? new FullOptions() : new PartialOptions { FreezeFirst = frozen } },
        };
    }

    private static int Frozen(AdviceFacts facts) => facts.Recipe.Tuning switch
    {
        PartialOptions { LastBlocks: { } last } => facts.Run.Blocks - last,
        PartialOptions { FreezeFirst: { } first } => first,
        _ => 0,
    };
}
