namespace Hieno.Advice.Warnings;

/// <summary>Rows to judge by that are among the rows to learn from: the figures will be too good.</summary>
/// <remarks>One in a hundred is Hieno's own rule: short texts repeat by chance.</remarks>
internal sealed class LeakedRows : IRunWarning
{
    public string Id => "leaked-rows";

    public string? Check(RunFacts facts)
    {
        int judged = facts.Rows.Validation + facts.Rows.Test;
        return facts.Rows.Leaked * 100L <= judged ? null
            : $"{facts.Rows.Leaked} of the {judged} validation and test rows say what a training row says, so they measure memory. Take them out of one of the files; 'hieno lint' lists repeated rows";
    }
}
