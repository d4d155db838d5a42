using System.Runtime.CompilerServices;

namespace Hieno.Formats.ChatTemplates.Syntax;

/// <summary>The position in the token list that the two parsers share, and their bound on nesting.</summary>
internal sealed class TokenReader(IReadOnlyList<Token> tokens)
{
    // Deeper than any template people write, shallow enough for a 1 MB stack.
    private const int MaxNesting = 200;

    private readonly List<HashSet<string>> _macroUses = [];
    private int _index;
    private int _nesting;

    public Token Current => tokens[_index];

    public Token Ahead => tokens[Math.Min(_index + 1, tokens.Count - 1)];

    public Token Next()
    {
        var token = Current;
        if (token.Kind != TokenKind.End)
        {
            _index++;
        }

        return token;
    }

    public bool TakeOperator(string op) => Take(Current.IsOperator(op));

    public bool TakeName(string name) => Take(Current.IsName(name));

    public Token ExpectOperator(string op) => Current.IsOperator(op) ? Next() : throw Unexpected($"'{op}'");

    public Token ExpectName(string name) => Current.IsName(name) ? Next() : throw Unexpected($"'{name}'");

    public Token Expect(TokenKind kind, string what) => Current.Kind == kind ? Next() : throw Unexpected(what);

    public TemplateFault Unexpected(string expected) => TemplateFault.Syntax($"found {Current}, expected {expected}", Current.At);

    public void EnterNesting(int at)
    {
        if (++_nesting > MaxNesting || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
        {
            throw TemplateFault.Syntax($"blocks and brackets are nested more than {MaxNesting} deep", at);
        }
    }

    public void LeaveNesting() => _nesting--;

    /// <summary>From here to <see cref="EndMacro"/>, uses of the special names are noted.</summary>
    public void BeginMacro() => _macroUses.Add([]);

    public IReadOnlySet<string> EndMacro()
    {
        var uses = _macroUses[^1];
        _macroUses.RemoveAt(_macroUses.Count - 1);
        return uses;
    }

    /// <summary>Notes that an expression reads a variable. An inner macro's use counts for the outer ones too, as in Jinja.</summary>
    public void NoteUse(string name)
    {
        if (name is "caller" or "varargs" or "kwargs")
        {
            _macroUses.ForEach(uses => uses.Add(name));
        }
    }

    private bool Take(bool condition)
    {
        if (condition)
        {
            _index++;
        }

        return condition;
    }
}
