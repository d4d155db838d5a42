namespace Hieno.Formats.ChatTemplates.Values;

/// <summary>What a missing variable, attribute or element is: prints as nothing, is false and empty, and refuses all else.</summary>
/// <param name="fact">What is missing, for the error of a refused use.</param>
internal sealed class Undefined(string fact)
{
    public TemplateFault Fault() => new(FaultKind.Evaluation, fact, "Pass it to the template, or test it with 'is defined' there");
}
