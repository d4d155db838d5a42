namespace Hieno.Formats.ChatTemplates.Syntax;

/// <summary>What can be evaluated. <see cref="At"/> is the offset in the source that an error names.</summary>
internal abstract record Expression(int At);

internal sealed record Constant(int At, object? Value) : Expression(At);

internal sealed record Variable(int At, string Name) : Expression(At);

internal sealed record ListLiteral(int At, IReadOnlyList<Expression> Items) : Expression(At);

internal sealed record TupleLiteral(int At, IReadOnlyList<Expression> Items) : Expression(At);

internal sealed record DictLiteral(int At, IReadOnlyList<(Expression Key, Expression Value)> Items) : Expression(At);

/// <summary>-x, +x or not x.</summary>
internal sealed record Unary(int At, string Operator, Expression Operand) : Expression(At);

/// <summary>Arithmetic, and the short-circuit <c>and</c> and <c>or</c>.</summary>
internal sealed record Binary(int At, string Operator, Expression Left, Expression Right) : Expression(At);

/// <summary>a ~ b ~ c: the texts of the parts, joined.</summary>
internal sealed record Concatenation(int At, IReadOnlyList<Expression> Parts) : Expression(At);

/// <summary>a &lt; b &lt;= c: true when every neighbouring pair compares so.</summary>
internal sealed record Comparison(int At, Expression First, IReadOnlyList<(string Operator, Expression Operand)> Rest) : Expression(At);

/// <summary>a if test else b; undefined when the test fails and there is no else.</summary>
internal sealed record Conditional(int At, Expression Test, Expression Then, Expression? Otherwise) : Expression(At);

/// <summary>x.name: Python attribute first, then item.</summary>
internal sealed record AttributeAccess(int At, Expression Target, string Name) : Expression(At);

/// <summary>x[index]: item first, then Python attribute.</summary>
internal sealed record Subscript(int At, Expression Target, Expression Index) : Expression(At);

internal sealed record Slice(int At, Expression Target, Expression? Start, Expression? Stop, Expression? Step) : Expression(At);

internal sealed record Call(int At, Expression Target, CallArguments Arguments) : Expression(At);

internal sealed record Filtered(int At, Expression Target, FilterStep Filter) : Expression(At);

internal sealed record Tested(int At, Expression Target, string Name, CallArguments Arguments) : Expression(At);

/// <summary>One <c>|name(arguments)</c>.</summary>
internal sealed record FilterStep(int At, string Name, CallArguments Arguments);

/// <summary>Arguments as written, with at most one <c>*list</c> and one <c>**dict</c> to spread.</summary>
internal sealed record CallArguments(
    IReadOnlyList<Expression> Positional,
    IReadOnlyList<(string Name, Expression Value)> Named,
    Expression? SpreadList = null,
    Expression? SpreadDict = null)
{
    public static CallArguments None { get; } = new([], []);
}
