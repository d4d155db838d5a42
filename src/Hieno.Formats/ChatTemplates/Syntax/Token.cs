namespace Hieno.Formats.ChatTemplates.Syntax;

internal enum TokenKind
{
    Data,
    VariableBegin,
    VariableEnd,
    BlockBegin,
    BlockEnd,
    Name,
    String,
    Number,
    Operator,
    End,
}

/// <summary>One token. <see cref="Text"/> is the decoded text of data and strings; <see cref="Value"/> is set for numbers only.</summary>
internal readonly record struct Token(TokenKind Kind, string Text, int At, object? Value = null)
{
    public bool IsName(string name) => Kind == TokenKind.Name && string.Equals(Text, name, StringComparison.Ordinal);

    public bool IsOperator(string op) => Kind == TokenKind.Operator && string.Equals(Text, op, StringComparison.Ordinal);

    public override string ToString() => Kind switch
    {
        TokenKind.End => "the end of the template",
        TokenKind.BlockEnd => "'%}'",
        TokenKind.VariableEnd => "'}}'",
        TokenKind.BlockBegin => "'{%'",
        TokenKind.VariableBegin => "'{{'",
        TokenKind.Data => "text",
        TokenKind.String => "a string",
        TokenKind.Number => $"number {Value}",
        _ => $"'{Text}'",
    };
}
