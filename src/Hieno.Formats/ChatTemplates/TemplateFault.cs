namespace Hieno.Formats.ChatTemplates;

/// <summary>Why a template failed; decides the error code that the caller sees.</summary>
internal enum FaultKind
{
    /// <summary>The source is not a template of the supported language.</summary>
    Syntax,

    /// <summary>A value does not fit what the template does with it.</summary>
    Evaluation,

    /// <summary>The template itself called <c>raise_exception</c>.</summary>
    Raised,

    /// <summary>A bound on work, depth or size was reached.</summary>
    Limit,
}

/// <summary>
/// A failure on its way to the public <see cref="ChatTemplateException"/>. Code deep inside knows what is wrong but
/// not where; the nearest node that is being evaluated adds its place while the exception passes.
/// </summary>
internal sealed class TemplateFault(FaultKind kind, string fact, string advice) : Exception(fact)
{
    public FaultKind Kind { get; } = kind;

    public string Advice { get; } = advice;

    /// <summary>Offset into the template's source, or -1 while no node has claimed the fault.</summary>
    public int At { get; private set; } = -1;

    public static TemplateFault Syntax(string fact, int at) =>
        new(FaultKind.Syntax, fact, "Correct the template there") { At = at };

    public static TemplateFault Evaluation(string fact) =>
        new(FaultKind.Evaluation, fact, "Correct the template, or the values given to it");

    public static TemplateFault Limit(string fact, string option) =>
        new(FaultKind.Limit, fact, $"Simplify the template or its data, or raise ChatTemplateOptions.{option}");

    /// <summary>Gives the fault a place unless it has one. Always false, so that it can stand in an exception filter without catching.</summary>
    public bool Claim(int at)
    {
        if (At < 0)
        {
            At = at;
        }

        return false;
    }
}
