namespace Hieno.Formats.ChatTemplates.Runtime;

/// <summary>What a template can call.</summary>
internal abstract class Callable(string name)
{
    public string Name => name;

    public abstract object? Call(Arguments arguments);
}

/// <summary>A built-in function, or a method bound to its value.</summary>
internal sealed class Function(string name, Func<Arguments, object?> body) : Callable(name)
{
    public override object? Call(Arguments arguments) => body(arguments);
}
