namespace Hieno.Advice;

/// <summary>What one setting of a recipe should be. One file each; docs/advise.md describes them.</summary>
internal interface IAdviceRule
{
    /// <summary>The advice; null where the rule has nothing to say about this run.</summary>
    Recommendation? Advise(AdviceFacts facts);
}
