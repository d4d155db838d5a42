using Hieno.Formats.ChatTemplates.Syntax;
using Hieno.Formats.ChatTemplates.Values;

namespace Hieno.Formats.ChatTemplates.Runtime;

/// <summary>A macro, or the body of a call block: renders its body with its parameters and gives the text.</summary>
internal sealed class Macro(MacroDefinition definition, Scope definedIn, Renderer renderer) : Callable(definition.Name)
{
    public override object? Call(Arguments arguments)
    {
        // The body sees what is visible where the macro stands, not where it is called.
        var scope = new Scope(definedIn);
        var named = arguments.Named.ToDictionary(n => n.Key, n => n.Value, StringComparer.Ordinal);
        int given = Math.Min(arguments.Positional.Count, definition.Parameters.Count);
        for (int i = 0; i < definition.Parameters.Count; i++)
        {
            string name = definition.Parameters[i].Name;
            if (i < given)
            {
                scope.Set(name, arguments.Positional[i]);
            }
            else if (named.Remove(name, out object? value))
            {
                scope.Set(name, value);
            }
            else
            {
                // Defaults are evaluated at each call, and may use the parameters before them.
                var fallback = definition.Parameters[i].Default;
                scope.Set(name, fallback is null ? new Undefined($"parameter '{name}' was not provided") : renderer.Evaluator.Evaluate(fallback, scope));
            }
        }

        BindSpecialNames(scope, arguments, named);
        return renderer.Capture(definition.Body, scope);
    }

    /// <summary>caller, kwargs and varargs take what is left over, in macros whose body reads them.</summary>
    private void BindSpecialNames(Scope scope, Arguments arguments, Dictionary<string, object?> named)
    {
        bool declaresCaller = definition.Parameters.Any(p => p.Name is "caller");
        if (definition.Uses.Contains("caller") && !declaresCaller)
        {
            scope.Set("caller", named.Remove("caller", out object? caller) ? caller : new Undefined("the macro is not called by a call block: no 'caller'"));
        }

        if (definition.Uses.Contains("kwargs"))
        {
            var rest = new PythonDict();
            foreach ((string name, object? value) in arguments.Named.Where(n => named.ContainsKey(n.Key)))
            {
                rest.Set(name, value);
            }

            scope.Set("kwargs", rest);
        }
        else if (named.Count > 0)
        {
            throw TemplateFault.Evaluation($"macro '{Name}' has no parameter '{named.Keys.First()}'");
        }

        int count = definition.Parameters.Count;
        if (definition.Uses.Contains("varargs"))
        {
            scope.Set("varargs", arguments.Positional.Skip(count).ToArray());
        }
        else if (arguments.Positional.Count > count)
        {
            throw TemplateFault.Evaluation($"macro '{Name}' takes at most {count} arguments, {arguments.Positional.Count} are given");
        }
    }
}
