namespace Hieno.Formats.ChatTemplates.Syntax;

/// <summary>Parses the statements of a template.</summary>
internal sealed class TemplateParser
{
    private static readonly string[] Unsupported = ["block", "extends", "include", "import", "from", "autoescape", "do", "trans"];

    private readonly TokenReader _tokens;
    private readonly ExpressionParser _expressions;

    // Loops around the statement within the same macro or generation block: 'break' needs one.
    private int _loops;

    private TemplateParser(IReadOnlyList<Token> tokens)
    {
        _tokens = new TokenReader(tokens);
        _expressions = new ExpressionParser(_tokens);
    }

    /// <summary>Parses a whole template.</summary>
    /// <exception cref="TemplateFault">The source is not a template of the supported language.</exception>
    public static IReadOnlyList<Statement> Parse(TemplateSource source) => new TemplateParser(Lexer.Tokenize(source)).ParseBody([]);

    /// <summary>Statements up to a block whose name is one of <paramref name="ends"/>; leaves the reader on that name.</summary>
    private List<Statement> ParseBody(string[] ends)
    {
        var body = new List<Statement>();
        int opened = _tokens.Current.At;
        _tokens.EnterNesting(opened);
        while (true)
        {
            var token = _tokens.Next();
            switch (token.Kind)
            {
                case TokenKind.Data:
                    body.Add(new TextStatement(token.At, token.Text));
                    break;

                case TokenKind.VariableBegin:
                    body.Add(new OutputStatement(_tokens.Current.At, _expressions.ParseTuple()));
                    _tokens.Expect(TokenKind.VariableEnd, "'}}'");
                    break;

                case TokenKind.BlockBegin when _tokens.Current.Kind == TokenKind.Name && ends.Contains(_tokens.Current.Text):
                    _tokens.LeaveNesting();
                    return body;

                case TokenKind.BlockBegin:
                    body.Add(ParseStatement(ends));
                    _tokens.Expect(TokenKind.BlockEnd, "'%}'");
                    break;

                default:
                    if (ends.Length > 0)
                    {
                        throw TemplateFault.Syntax($"the template ends before '{ends[^1]}' of the block opened here", opened);
                    }

                    _tokens.LeaveNesting();
                    return body;
            }
        }
    }

    /// <summary>A body behind '%}', up to and with the name that ends it.</summary>
    private List<Statement> ParseBlock(string end)
    {
        ExpectBodyBegin();
        var body = ParseBody([end]);
        _tokens.ExpectName(end);
        return body;
    }

    /// <summary>The end of a block that has a body. A colon may stand before it, for those who write Python.</summary>
    private void ExpectBodyBegin()
    {
        _tokens.TakeOperator(":");
        _tokens.Expect(TokenKind.BlockEnd, "'%}'");
    }

    private Statement ParseStatement(string[] ends)
    {
        var name = _tokens.Expect(TokenKind.Name, "the name of a statement");
        return name.Text switch
        {
            "if" => ParseIf(name.At),
            "for" => ParseFor(name.At),
            "set" => ParseSet(name.At),
            "macro" => ParseMacro(name.At),
            "call" => ParseCallBlock(name.At),
            "filter" => new FilterBlockStatement(name.At, ParseFilterSteps(), ParseBlock("endfilter")),
            "with" => ParseWith(name.At),
            "print" => ParsePrint(name.At),
            "generation" => new GenerationStatement(name.At, OutsideLoops(() => ParseBlock("endgeneration"))),
            "break" => InLoop(new BreakStatement(name.At), name),
            "continue" => InLoop(new ContinueStatement(name.At), name),
            _ => throw UnknownStatement(name, ends),
        };
    }

    private static TemplateFault UnknownStatement(Token name, string[] ends)
    {
        string fact = Unsupported.Contains(name.Text) ? $"'{name.Text}' is not supported in chat templates"
            : ends.Length == 0 ? $"'{name.Text}' is not a statement, and no block is open that it could end"
            : $"'{name.Text}' is not a statement; the open block ends with '{string.Join("' or '", ends)}'";
        return TemplateFault.Syntax(fact, name.At);
    }

    private Statement InLoop(Statement statement, Token name) =>
        _loops > 0 ? statement : throw TemplateFault.Syntax($"'{name.Text}' stands outside of a loop", name.At);

    private T OutsideLoops<T>(Func<T> parse)
    {
        int loops = _loops;
        _loops = 0;
        var parsed = parse();
        _loops = loops;
        return parsed;
    }

    private OutputStatement ParsePrint(int at)
    {
        var values = new List<Expression>();
        do
        {
            values.Add(_expressions.ParseExpression());
        }
        while (_tokens.TakeOperator(","));

        return new OutputStatement(at, values.Count == 1 ? values[0] : new Concatenation(at, values));
    }

    private IfStatement ParseIf(int at)
    {
        var branches = new List<(Expression, IReadOnlyList<Statement>)>();
        List<Statement> otherwise = [];
        Token end;
        do
        {
            var test = _expressions.ParseTuple(withConditional: false);
            ExpectBodyBegin();
            branches.Add((test, ParseBody(["elif", "else", "endif"])));
            end = _tokens.Next();
        }
        while (end.Text is "elif");

        if (end.Text is "else")
        {
            otherwise = ParseBlock("endif");
        }

        return new IfStatement(at, branches, otherwise);
    }

    private ForStatement ParseFor(int at)
    {
        var target = ParseTarget(allowNamespace: false);
        RejectLoopVariable(target);
        _tokens.ExpectName("in");
        var items = _expressions.ParseTuple(withConditional: false);
        var filter = _tokens.TakeName("if") ? _expressions.ParseExpression() : null;
        bool isRecursive = _tokens.TakeName("recursive");
        ExpectBodyBegin();

        _loops++;
        var body = ParseBody(["else", "endfor"]);
        _loops--;

        List<Statement> otherwise = [];
        if (_tokens.Next().Text is "else")
        {
            otherwise = ParseBlock("endfor");
        }

        return new ForStatement(at, target, items, filter, isRecursive) { Body = body, Otherwise = otherwise };
    }

    private static void RejectLoopVariable(Target target)
    {
        if (target is VariableTarget { Name: "loop" })
        {
            throw TemplateFault.Syntax("'loop' is the loop's own variable and cannot be its target", target.At);
        }

        if (target is TupleTarget tuple)
        {
            tuple.Items.ToList().ForEach(RejectLoopVariable);
        }
    }

    private Statement ParseSet(int at)
    {
        var target = ParseTarget(allowNamespace: true);
        if (_tokens.TakeOperator("="))
        {
            return new SetStatement(at, target, _expressions.ParseTuple());
        }

        var filters = _tokens.TakeOperator("|") ? ParseFilterSteps() : [];
        return new SetBlockStatement(at, target, filters, ParseBlock("endset"));
    }

    private List<FilterStep> ParseFilterSteps()
    {
        var steps = new List<FilterStep>();
        do
        {
            steps.Add(_expressions.ParseFilterStep());
        }
        while (_tokens.TakeOperator("|"));

        return steps;
    }

    private WithStatement ParseWith(int at)
    {
        var assignments = new List<(Target, Expression)>();
        while (_tokens.Current.Kind != TokenKind.BlockEnd)
        {
            if (assignments.Count > 0)
            {
                _tokens.ExpectOperator(",");
            }

            var target = ParseSingleTarget();
            _tokens.ExpectOperator("=");
            assignments.Add((target, _expressions.ParseExpression()));
        }

        return new WithStatement(at, assignments, ParseBlock("endwith"));
    }

    private MacroStatement ParseMacro(int at)
    {
        string name = _tokens.Expect(TokenKind.Name, "the macro's name").Text;
        var parameters = ParseParameters();
        return new MacroStatement(at, ParseMacroBody(name, parameters, "endmacro"));
    }

    private CallBlockStatement ParseCallBlock(int at)
    {
        var parameters = _tokens.Current.IsOperator("(") ? ParseParameters() : [];
        int callAt = _tokens.Current.At;
        if (_expressions.ParseExpression() is not Call call)
        {
            throw TemplateFault.Syntax("a call block must call a macro, as in '{% call box() %}'", callAt);
        }

        return new CallBlockStatement(at, call, ParseMacroBody("caller", parameters, "endcall"));
    }

    private MacroDefinition ParseMacroBody(string name, List<(string, Expression?)> parameters, string end)
    {
        _tokens.BeginMacro();
        var body = OutsideLoops(() => ParseBlock(end));
        return new MacroDefinition(name, parameters, body, _tokens.EndMacro());
    }

    private List<(string Name, Expression? Default)> ParseParameters()
    {
        _tokens.ExpectOperator("(");
        var parameters = new List<(string Name, Expression? Default)>();
        while (!_tokens.Current.IsOperator(")"))
        {
            if (parameters.Count > 0)
            {
                _tokens.ExpectOperator(",");
            }

            var name = _tokens.Expect(TokenKind.Name, "the name of a parameter");
            var value = _tokens.TakeOperator("=") ? _expressions.ParseExpression() : null;
            if (value is null && parameters.Exists(p => p.Default is not null))
            {
                throw TemplateFault.Syntax($"parameter '{name.Text}' has no default but follows one that has", name.At);
            }

            if (parameters.Exists(p => string.Equals(p.Name, name.Text, StringComparison.Ordinal)))
            {
                throw TemplateFault.Syntax($"parameter '{name.Text}' is declared twice", name.At);
            }

            parameters.Add((name.Text, value));
        }

        _tokens.Next();
        return parameters;
    }

    private Target ParseTarget(bool allowNamespace)
    {
        int at = _tokens.Current.At;
        if (allowNamespace && _tokens.Ahead.IsOperator("."))
        {
            string name = _tokens.Expect(TokenKind.Name, "a variable").Text;
            _tokens.Next();
            return new NamespaceTarget(at, name, _tokens.Expect(TokenKind.Name, "an attribute's name").Text);
        }

        var first = ParseSingleTarget();
        if (!_tokens.Current.IsOperator(","))
        {
            return first;
        }

        var items = new List<Target> { first };
        while (_tokens.TakeOperator(",") && (_tokens.Current.Kind == TokenKind.Name || _tokens.Current.IsOperator("("))
            && !_tokens.Current.IsName("in"))
        {
            items.Add(ParseSingleTarget());
        }

        return new TupleTarget(at, items);
    }

    private Target ParseSingleTarget()
    {
        int at = _tokens.Current.At;
        if (_tokens.TakeOperator("("))
        {
            _tokens.EnterNesting(at);
            var inner = ParseTarget(allowNamespace: false);
            _tokens.LeaveNesting();
            _tokens.ExpectOperator(")");
            return inner;
        }

        var name = _tokens.Expect(TokenKind.Name, "a variable to assign to");
        return name.Text is "true" or "false" or "none" or "True" or "False" or "None"
            ? throw TemplateFault.Syntax($"'{name.Text}' is a constant and cannot be assigned to", name.At)
            : new VariableTarget(at, name.Text);
    }
}
