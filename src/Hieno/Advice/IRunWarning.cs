namespace Hieno.Advice;

/// <summary>Something about a run that usually ends badly, and can be seen before the first step. One file each; docs/warnings.md describes them.</summary>
internal interface IRunWarning
{
    /// <summary>The name that does not change: <c>silence:</c> in a recipe names it, and the page has it as a heading.</summary>
    string Id { get; }

    /// <summary>What is wrong, with the numbers, and what to do; null where nothing is.</summary>
    string? Check(RunFacts facts);
}
