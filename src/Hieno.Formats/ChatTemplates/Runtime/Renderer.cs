using Hieno.Formats.ChatTemplates.Syntax;
using Hieno.Formats.ChatTemplates.Values;

namespace Hieno.Formats.ChatTemplates.Runtime;

/// <summary>Executes statements, writing their text.</summary>
internal sealed class Renderer(Budget budget)
{
    private readonly CapturedSpans _captured = new();

    /// <summary>How a list of statements ended.</summary>
    private enum Flow
    {
        Onward,
        Break,
        Continue,
    }

    public Evaluator Evaluator { get; } = new(budget);

    /// <summary>Renders a whole template.</summary>
    public RenderedChat Render(IReadOnlyList<Statement> template, Scope variables)
    {
        var output = new OutputBuffer(budget);
        Execute(template, new Scope(variables), output);
        return new RenderedChat(output.ToString(), output.Spans) { HasLostGenerationText = _captured.AnyLost };
    }

    /// <summary>Renders statements into a text of their own.</summary>
    public string Capture(IReadOnlyList<Statement> body, Scope scope)
    {
        var output = new OutputBuffer(budget);
        Execute(body, scope, output);
        return _captured.Capture(output);
    }

    private Flow Execute(IReadOnlyList<Statement> statements, Scope scope, OutputBuffer output)
    {
        budget.Enter();
        foreach (var statement in statements)
        {
            budget.Work();
            Flow flow;
            try
            {
                flow = Execute(statement, scope, output);
            }
            catch (TemplateFault fault) when (fault.Claim(statement.At))
            {
                throw; // never reached: the filter only notes the place
            }

            if (flow != Flow.Onward)
            {
                budget.Leave();
                return flow;
            }
        }

        budget.Leave();
        return Flow.Onward;
    }

    private Flow Execute(Statement statement, Scope scope, OutputBuffer output)
    {
        switch (statement)
        {
            case TextStatement text:
                output.Write(text.Text);
                break;
            case OutputStatement print:
                _captured.Print(Evaluator.Text(Evaluator.Evaluate(print.Value, scope)), output);
                break;
            case IfStatement choice:
                return Execute(Choose(choice, scope), scope, output);
            case ForStatement loop:
                return ExecuteFor(loop, Evaluator.Evaluate(loop.Items, scope), scope, output, depth: 0);
            case SetStatement set:
                Assign(set.Target, Evaluator.Evaluate(set.Value, scope), scope);
                break;
            case SetBlockStatement block:
                return ExecuteAside(block.Body, block.Filters, scope, text => Assign(block.Target, text, scope));
            case FilterBlockStatement block:
                return ExecuteAside(block.Body, block.Filters, scope, text => _captured.Print(Evaluator.Text(text), output));
            case WithStatement with:
                return ExecuteWith(with, scope, output);
            case MacroStatement macro:
                scope.Set(macro.Macro.Name, new Macro(macro.Macro, scope, this));
                break;
            case CallBlockStatement block:
                ExecuteCallBlock(block, scope, output);
                break;
            case GenerationStatement generation:
                int start = output.Length;
                Execute(generation.Body, new Scope(scope), output);
                output.Mark(start);
                break;
            case BreakStatement:
                return Flow.Break;
            case ContinueStatement:
                return Flow.Continue;
        }

        return Flow.Onward;
    }

    private IReadOnlyList<Statement> Choose(IfStatement choice, Scope scope)
    {
        foreach (var (test, body) in choice.Branches)
        {
            if (Evaluator.IsTrue(test, scope))
            {
                return body;
            }
        }

        return choice.Otherwise;
    }

    private Flow ExecuteFor(ForStatement statement, object? items, Scope scope, OutputBuffer output, int depth)
    {
        Func<object?, string>? recurse = !statement.IsRecursive ? null : inner =>
        {
            var text = new OutputBuffer(budget);
            ExecuteFor(statement, inner, scope, text, depth + 1);
            return _captured.Capture(text);
        };

        // A filtered loop does not know its length before its end.
        bool isCounted = statement.Filter is null && PythonType.TryCount(items, out _);
        int? count = isCounted && PythonType.TryCount(items, out int known) ? known : null;
        var loop = new LoopContext(Filter(statement, PythonType.Iterate(items), scope), count, depth, recurse);
        bool anyCompleted = false;
        while (loop.MoveNext())
        {
            budget.Work();
            var body = new Scope(scope);
            body.Set("loop", loop);
            Assign(statement.Target, loop.Current, body);
            var flow = Execute(statement.Body, body, output);
            if (flow == Flow.Break)
            {
                break;
            }

            anyCompleted |= flow == Flow.Onward;
        }

        // Jinja notes an iteration at the end of the body, so one that was left by break or continue counts as none.
        return anyCompleted ? Flow.Onward : Execute(statement.Otherwise, new Scope(scope), output);
    }

    private IEnumerable<object?> Filter(ForStatement statement, IEnumerable<object?> items, Scope scope)
    {
        if (statement.Filter is null)
        {
            return items;
        }

        return items.Where(item =>
        {
            var inner = new Scope(scope);
            Assign(statement.Target, item, inner);
            return Evaluator.IsTrue(statement.Filter, inner);
        });
    }

    /// <summary>Renders a body aside, filters its text and hands it on, unless the body breaks out of a loop around it.</summary>
    private Flow ExecuteAside(IReadOnlyList<Statement> body, IReadOnlyList<FilterStep> filters, Scope scope, Action<object?> use)
    {
        var aside = new OutputBuffer(budget);
        var flow = Execute(body, new Scope(scope), aside);
        if (flow != Flow.Onward)
        {
            return flow;
        }

        object? text = _captured.Capture(aside);
        foreach (var step in filters)
        {
            text = Evaluator.ApplyFilter(step, text, scope);
        }

        use(text);
        return Flow.Onward;
    }

    private Flow ExecuteWith(WithStatement with, Scope scope, OutputBuffer output)
    {
        var inner = new Scope(scope);
        foreach (var (target, value) in with.Assignments)
        {
            Assign(target, Evaluator.Evaluate(value, scope), inner);
        }

        return Execute(with.Body, inner, output);
    }

    private void ExecuteCallBlock(CallBlockStatement block, Scope scope, OutputBuffer output)
    {
        object? callee = Evaluator.Evaluate(block.Call.Target, scope);
        var arguments = Evaluator.EvaluateArguments(block.Call.Arguments, scope);
        var caller = KeyValuePair.Create<string, object?>("caller", new Macro(block.Caller, scope, this));
        object? text = Evaluator.Call(callee, new Arguments(arguments.Positional, [.. arguments.Named, caller]));
        _captured.Print(Evaluator.Text(text), output);
    }

    private void Assign(Target target, object? value, Scope scope)
    {
        switch (target)
        {
            case VariableTarget variable:
                scope.Set(variable.Name, value);
                break;
            case TupleTarget tuple:
                var items = PythonType.ToList(value, budget);
                if (items.Count != tuple.Items.Count)
                {
                    throw TemplateFault.Evaluation($"{tuple.Items.Count} variables are assigned from {items.Count} values");
                }

                for (int i = 0; i < items.Count; i++)
                {
                    Assign(tuple.Items[i], items[i], scope);
                }

                break;
            case NamespaceTarget attribute:
                if (!scope.TryGet(attribute.Name, out object? owner) || owner is not Namespace space)
                {
                    throw TemplateFault.Evaluation($"'{attribute.Name}' is not a namespace, so its attributes cannot be set");
                }

                space.Attributes.Set(attribute.Attribute, value);
                break;
        }
    }
}
