namespace Hieno.Formats.ChatTemplates.Syntax;

/// <summary>What can be executed. <see cref="At"/> is the offset in the source that an error names.</summary>
internal abstract record Statement(int At);

internal sealed record TextStatement(int At, string Text) : Statement(At);

internal sealed record OutputStatement(int At, Expression Value) : Statement(At);

internal sealed record IfStatement(
    int At, IReadOnlyList<(Expression Test, IReadOnlyList<Statement> Body)> Branches, IReadOnlyList<Statement> Otherwise) : Statement(At);

internal sealed record ForStatement(int At, Target Target, Expression Items, Expression? Filter, bool IsRecursive) : Statement(At)
{
    public IReadOnlyList<Statement> Body { get; init; } = [];

    /// <summary>Runs when no iteration came to its end.</summary>
    public IReadOnlyList<Statement> Otherwise { get; init; } = [];
}

internal sealed record SetStatement(int At, Target Target, Expression Value) : Statement(At);

internal sealed record SetBlockStatement(
    int At, Target Target, IReadOnlyList<FilterStep> Filters, IReadOnlyList<Statement> Body) : Statement(At);

internal sealed record FilterBlockStatement(int At, IReadOnlyList<FilterStep> Filters, IReadOnlyList<Statement> Body) : Statement(At);

internal sealed record WithStatement(
    int At, IReadOnlyList<(Target Target, Expression Value)> Assignments, IReadOnlyList<Statement> Body) : Statement(At);

internal sealed record MacroStatement(int At, MacroDefinition Macro) : Statement(At);

/// <summary>Calls a macro, handing it the body as <c>caller</c>.</summary>
internal sealed record CallBlockStatement(int At, Call Call, MacroDefinition Caller) : Statement(At);

/// <summary>Marks the text of its body as what the model is trained to say.</summary>
internal sealed record GenerationStatement(int At, IReadOnlyList<Statement> Body) : Statement(At);

internal sealed record BreakStatement(int At) : Statement(At);

internal sealed record ContinueStatement(int At) : Statement(At);

/// <summary>A macro's parameters and body.</summary>
/// <param name="Name">Name in errors; <c>caller</c> for the body of a call block.</param>
/// <param name="Parameters">Names with their defaults; parameters with a default stand last.</param>
/// <param name="Body">What a call renders.</param>
/// <param name="Uses">Which of <c>varargs</c>, <c>kwargs</c> and <c>caller</c> the body reads: only then may a call pass them.</param>
internal sealed record MacroDefinition(
    string Name, IReadOnlyList<(string Name, Expression? Default)> Parameters, IReadOnlyList<Statement> Body, IReadOnlySet<string> Uses);

/// <summary>What an assignment writes to.</summary>
internal abstract record Target(int At);

internal sealed record VariableTarget(int At, string Name) : Target(At);

internal sealed record TupleTarget(int At, IReadOnlyList<Target> Items) : Target(At);

internal sealed record NamespaceTarget(int At, string Name, string Attribute) : Target(At);
