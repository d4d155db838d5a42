namespace Hieno.Formats.ChatTemplates;

/// <summary>A chat template cannot be read, cannot be rendered, or refuses the messages.</summary>
/// <remarks>
/// Codes: HN1401 the source is wrong, HN1402 the values do not fit, HN1403 the template called <c>raise_exception</c>,
/// HN1404 a bound of <see cref="ChatTemplateOptions"/> was reached.
/// </remarks>
public sealed class ChatTemplateException : HienoException
{
    internal ChatTemplateException(string name, (int Line, int Column) place, TemplateFault fault)
        : base(CodeOf(fault.Kind), $"{name}, line {place.Line}, column {place.Column}", fault.Message, fault.Advice, fault)
    {
        TemplateName = name;
        (Line, Column) = place;
        RaisedMessage = fault.Kind == FaultKind.Raised ? fault.Message : null;
    }

    /// <summary>The name that the template was parsed under.</summary>
    public string TemplateName { get; }

    /// <summary>Line in the template, from 1.</summary>
    public int Line { get; }

    /// <summary>Column in the line, from 1, in UTF-16 code units.</summary>
    public int Column { get; }

    /// <summary>The text that the template gave to <c>raise_exception</c>, as it is; null for every other failure.</summary>
    public string? RaisedMessage { get; }

    private static string CodeOf(FaultKind kind) => kind switch
    {
        FaultKind.Syntax => ErrorCodes.TemplateSyntax,
        FaultKind.Evaluation => ErrorCodes.TemplateEvaluation,
        FaultKind.Raised => ErrorCodes.TemplateRaised,
        _ => ErrorCodes.TemplateLimit,
    };
}
