namespace Hieno.Formats.ChatTemplates.Runtime;

/// <summary>
/// Variables of one block. Reading looks outward; writing stays here, so that what a loop's body or a macro sets is gone
/// when it ends.
/// </summary>
internal sealed class Scope(Scope? outer)
{
    private Dictionary<string, object?>? _variables;

    public void Set(string name, object? value) => (_variables ??= new(StringComparer.Ordinal))[name] = value;

    public bool TryGet(string name, out object? value)
    {
        for (var scope = this; scope is not null; scope = scope.Outer)
        {
            if (scope._variables is not null && scope._variables.TryGetValue(name, out value))
            {
                return true;
            }
        }

        value = null;
        return false;
    }

    private Scope? Outer => outer;
}
