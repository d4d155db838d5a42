namespace Hieno.Formats.ChatTemplates.Syntax;

/// <summary>Parses expressions by recursive descent, one method a level of binding strength, loosest first.</summary>
/// <remarks>conditional · or · and · not · comparison · + − · ~ · * / // % · ** · sign · postfix and filters.</remarks>
internal sealed class ExpressionParser(TokenReader tokens)
{
    public Expression ParseExpression() => ParseConditional();

    /// <summary>An expression, or several with commas between them, which make a tuple.</summary>
    /// <param name="withConditional">False where a following <c>if</c> belongs to the statement.</param>
    /// <param name="isBracketed">True inside parentheses, where nothing at all is the empty tuple.</param>
    public Expression ParseTuple(bool withConditional = true, bool isBracketed = false)
    {
        int at = tokens.Current.At;
        var items = new List<Expression>();
        bool isTuple = false;
        while (!IsTupleEnd())
        {
            items.Add(withConditional ? ParseConditional() : ParseOr());
            if (!tokens.TakeOperator(","))
            {
                break;
            }

            isTuple = true;
        }

        if (items.Count == 0 && !isBracketed)
        {
            throw tokens.Unexpected("an expression");
        }

        return isTuple || items.Count == 0 ? new TupleLiteral(at, items) : items[0];
    }

    public CallArguments ParseArguments()
    {
        tokens.ExpectOperator("(");
        var positional = new List<Expression>();
        var named = new List<(string, Expression)>();
        Expression? spreadList = null, spreadDict = null;
        while (!tokens.Current.IsOperator(")"))
        {
            var start = tokens.Current;
            if (tokens.TakeOperator("*"))
            {
                Require(spreadList is null && spreadDict is null, "only one '*list' may be given, before '**dict'", start);
                spreadList = ParseExpression();
            }
            else if (tokens.TakeOperator("**"))
            {
                Require(spreadDict is null, "only one '**dict' may be given", start);
                spreadDict = ParseExpression();
            }
            else if (start.Kind == TokenKind.Name && tokens.Ahead.IsOperator("="))
            {
                Require(spreadDict is null, "a named argument cannot follow '**dict'", start);
                Require(named.TrueForAll(n => !string.Equals(n.Item1, start.Text, StringComparison.Ordinal)), $"argument '{start.Text}' is given twice", start);
                tokens.Next();
                tokens.Next();
                named.Add((start.Text, ParseExpression()));
            }
            else
            {
                Require(named.Count == 0 && spreadList is null && spreadDict is null, "a positional argument must come first", start);
                positional.Add(ParseExpression());
            }

            if (!tokens.Current.IsOperator(")"))
            {
                tokens.ExpectOperator(",");
            }
        }

        tokens.Next();
        return new CallArguments(positional, named, spreadList, spreadDict);
    }

    /// <summary>The name and arguments behind a <c>|</c>.</summary>
    public FilterStep ParseFilterStep()
    {
        var name = tokens.Expect(TokenKind.Name, "the name of a filter");
        return new FilterStep(name.At, name.Text, tokens.Current.IsOperator("(") ? ParseArguments() : CallArguments.None);
    }

    /// <summary>A literal, a variable, or an expression in brackets.</summary>
    public Expression ParsePrimary()
    {
        var token = tokens.Current;
        switch (token.Kind)
        {
            case TokenKind.Name:
                tokens.Next();
                return NamedValue(token);
            case TokenKind.Number:
                tokens.Next();
                return new Constant(token.At, token.Value);
            case TokenKind.String:
                // Neighbouring strings are one string, as in Python.
                string text = tokens.Next().Text;
                while (tokens.Current.Kind == TokenKind.String)
                {
                    text += tokens.Next().Text;
                }

                return new Constant(token.At, text);
        }

        tokens.EnterNesting(token.At);
        var expression = token switch
        {
            _ when tokens.TakeOperator("(") => ParseParenthesis(),
            _ when tokens.TakeOperator("[") => ParseList(token.At),
            _ when tokens.TakeOperator("{") => ParseDict(token.At),
            _ => throw tokens.Unexpected("an expression"),
        };
        tokens.LeaveNesting();
        return expression;
    }

    private static void Require(bool condition, string otherwise, Token at)
    {
        if (!condition)
        {
            throw TemplateFault.Syntax(otherwise, at.At);
        }
    }

    private Expression NamedValue(Token token)
    {
        switch (token.Text)
        {
            case "true" or "True": return new Constant(token.At, true);
            case "false" or "False": return new Constant(token.At, false);
            case "none" or "None": return new Constant(token.At, null);
        }

        tokens.NoteUse(token.Text);
        return new Variable(token.At, token.Text);
    }

    private bool IsTupleEnd() =>
        tokens.Current.Kind is TokenKind.BlockEnd or TokenKind.VariableEnd or TokenKind.End
        || tokens.Current.IsOperator(")");

    private Expression ParseConditional()
    {
        var value = ParseOr();
        while (tokens.Current.IsName("if"))
        {
            int at = tokens.Next().At;
            var test = ParseOr();
            Expression? otherwise = null;
            if (tokens.TakeName("else"))
            {
                tokens.EnterNesting(at);
                otherwise = ParseConditional();
                tokens.LeaveNesting();
            }

            value = new Conditional(at, test, value, otherwise);
        }

        return value;
    }

    private Expression ParseOr() => ParseChain(ParseAnd, () => tokens.Current.IsName("or"));

    private Expression ParseAnd() => ParseChain(ParseNot, () => tokens.Current.IsName("and"));

    private Expression ParseNot()
    {
        if (!tokens.Current.IsName("not"))
        {
            return ParseComparison();
        }

        int at = tokens.Next().At;
        tokens.EnterNesting(at);
        var operand = ParseNot();
        tokens.LeaveNesting();
        return new Unary(at, "not", operand);
    }

    private Expression ParseComparison()
    {
        int at = tokens.Current.At;
        var first = ParseSum();
        var rest = new List<(string, Expression)>();
        while (true)
        {
            string? op = tokens.Current switch
            {
                { Kind: TokenKind.Operator, Text: "==" or "!=" or "<" or "<=" or ">" or ">=" } t => t.Text,
                { Kind: TokenKind.Name, Text: "in" } => "in",
                { Kind: TokenKind.Name, Text: "not" } when tokens.Ahead.IsName("in") => "not in",
                _ => null,
            };
            if (op is null)
            {
                return rest.Count == 0 ? first : new Comparison(at, first, rest);
            }

            at = rest.Count == 0 ? tokens.Current.At : at;
            tokens.Next();
            if (op is "not in")
            {
                tokens.Next();
            }

            rest.Add((op, ParseSum()));
        }
    }

    private Expression ParseSum() => ParseChain(ParseConcatenation, () => IsOperator("+", "-"));

    private Expression ParseConcatenation()
    {
        var first = ParseProduct();
        if (!tokens.Current.IsOperator("~"))
        {
            return first;
        }

        int at = tokens.Current.At;
        var parts = new List<Expression> { first };
        while (tokens.TakeOperator("~"))
        {
            parts.Add(ParseProduct());
        }

        return new Concatenation(at, parts);
    }

    private Expression ParseProduct() => ParseChain(ParsePower, () => IsOperator("*", "/", "//", "%"));

    // Unlike Python, Jinja reads a ** b ** c from the left.
    private Expression ParsePower() => ParseChain(() => ParseSigned(), () => IsOperator("**"));

    private bool IsOperator(params ReadOnlySpan<string> operators) =>
        tokens.Current.Kind == TokenKind.Operator && operators.Contains(tokens.Current.Text);

    /// <summary>Operands of one level with its operators between them, grouped from the left.</summary>
    private Expression ParseChain(Func<Expression> operand, Func<bool> isOperator)
    {
        var left = operand();
        while (isOperator())
        {
            var op = tokens.Next();
            left = new Binary(op.At, op.Text, left, operand());
        }

        return left;
    }

    /// <summary>A sign binds tighter than a filter and looser than a dot: -x.y|abs is (-(x.y))|abs.</summary>
    private Expression ParseSigned(bool withFilters = true)
    {
        var token = tokens.Current;
        Expression value;
        if (IsOperator("-", "+"))
        {
            tokens.Next();
            tokens.EnterNesting(token.At);
            value = new Unary(token.At, token.Text, ParseSigned(withFilters: false));
            tokens.LeaveNesting();
        }
        else
        {
            value = ParsePrimary();
        }

        value = ParsePostfix(value);
        return withFilters ? ParseFilters(value) : value;
    }

    private Expression ParsePostfix(Expression value)
    {
        while (true)
        {
            var token = tokens.Current;
            if (tokens.TakeOperator("."))
            {
                value = ParseDot(value, token.At);
            }
            else if (tokens.TakeOperator("["))
            {
                tokens.EnterNesting(token.At);
                value = ParseSubscript(value, token.At);
                tokens.LeaveNesting();
            }
            else if (token.IsOperator("("))
            {
                value = ParseCall(value);
            }
            else
            {
                return value;
            }
        }
    }

    private Expression ParseFilters(Expression value)
    {
        while (true)
        {
            if (tokens.TakeOperator("|"))
            {
                var step = ParseFilterStep();
                value = new Filtered(step.At, value, step);
            }
            else if (tokens.Current.IsName("is"))
            {
                value = ParseTest(value);
            }
            else if (tokens.Current.IsOperator("("))
            {
                value = ParseCall(value); // a filter's result may be called
            }
            else
            {
                return value;
            }
        }
    }

    private Call ParseCall(Expression target)
    {
        int at = tokens.Current.At;
        tokens.EnterNesting(at);
        var arguments = ParseArguments();
        tokens.LeaveNesting();
        return new Call(at, target, arguments);
    }

    private Expression ParseTest(Expression value)
    {
        tokens.Next();
        bool isNegated = tokens.TakeName("not");
        var name = tokens.Expect(TokenKind.Name, "the name of a test");
        var current = tokens.Current;
        CallArguments arguments;
        if (current.IsOperator("("))
        {
            arguments = ParseArguments();
        }
        else if (StartsOperand(current))
        {
            // 'x is divisibleby 3': one argument may stand without parentheses.
            Require(!current.IsName("is"), "tests cannot be chained with 'is'", current);
            arguments = new CallArguments([ParsePostfix(ParsePrimary())], []);
        }
        else
        {
            arguments = CallArguments.None;
        }

        Expression test = new Tested(name.At, value, name.Text, arguments);
        return isNegated ? new Unary(name.At, "not", test) : test;
    }

    private static bool StartsOperand(Token token) => token.Kind switch
    {
        TokenKind.Name => token.Text is not ("else" or "or" or "and"),
        TokenKind.String or TokenKind.Number => true,
        TokenKind.Operator => token.Text is "[" or "{",
        _ => false,
    };

    private Expression ParseDot(Expression target, int at)
    {
        var token = tokens.Next();
        return token switch
        {
            { Kind: TokenKind.Name } => new AttributeAccess(at, target, token.Text),
            { Kind: TokenKind.Number, Value: System.Numerics.BigInteger index } => new Subscript(at, target, new Constant(token.At, index)),
            _ => throw TemplateFault.Syntax($"found {token} behind '.', expected a name or a number", token.At),
        };
    }

    private Expression ParseSubscript(Expression target, int at)
    {
        var start = IsOperator(":", "]") ? null : ParseExpression();
        if (tokens.TakeOperator("]"))
        {
            return new Subscript(at, target, start ?? throw TemplateFault.Syntax("the brackets hold no index", at));
        }

        tokens.ExpectOperator(":");
        var stop = IsOperator(":", "]") ? null : ParseExpression();
        Expression? step = null;
        if (tokens.TakeOperator(":"))
        {
            step = IsOperator("]") ? null : ParseExpression();
        }

        tokens.ExpectOperator("]");
        return new Slice(at, target, start, stop, step);
    }

    private Expression ParseParenthesis()
    {
        var value = ParseTuple(isBracketed: true);
        tokens.ExpectOperator(")");
        return value;
    }

    private ListLiteral ParseList(int at)
    {
        var items = new List<Expression>();
        while (!tokens.TakeOperator("]"))
        {
            items.Add(ParseExpression());
            if (!tokens.Current.IsOperator("]"))
            {
                tokens.ExpectOperator(",");
            }
        }

        return new ListLiteral(at, items);
    }

    private DictLiteral ParseDict(int at)
    {
        var items = new List<(Expression, Expression)>();
        while (!tokens.TakeOperator("}"))
        {
            var key = ParseExpression();
            tokens.ExpectOperator(":");
            items.Add((key, ParseExpression()));
            if (!tokens.Current.IsOperator("}"))
            {
                tokens.ExpectOperator(",");
            }
        }

        return new DictLiteral(at, items);
    }
}
