using Hieno.Formats.ChatTemplates.Values;

namespace Hieno.Formats.ChatTemplates.Runtime;

/// <summary>namespace(): the one object a template can change, so that a loop can hand something to what follows it.</summary>
internal sealed class Namespace
{
    public PythonDict Attributes { get; } = new();
}
