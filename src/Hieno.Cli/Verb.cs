using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace Hieno.Cli;

/// <summary>A verb of the command line, with an example for its help page.</summary>
/// <param name="name">The verb.</param>
/// <param name="description">What it does, in one or two sentences.</param>
/// <param name="examples">Command lines to copy.</param>
internal sealed class Verb(string name, string description, params string[] examples) : Command(name, description)
{
    public IReadOnlyList<string> Examples { get; } = examples;

    /// <summary>Adds an argument or option and gives it back.</summary>
    public T With<T>(T symbol)
        where T : Symbol
    {
        switch (symbol)
        {
            case Argument argument:
                Add(argument);
                break;
            case Option option:
                Add(option);
                break;
        }

        return symbol;
    }

    /// <summary>An option without a value.</summary>
    public Option<bool> Flag(string name, string description) => With(new Option<bool>(name) { Description = description });

    /// <summary>An option with a text.</summary>
    public Option<string?> Text(string name, string valueName, string description) =>
        With(new Option<string?>(name) { Description = description, HelpName = valueName });

    /// <summary>An option with several texts, given by commas, by spaces or by repeating it.</summary>
    public Option<string[]> Texts(string name, string valueName, string description) => With(new Option<string[]>(name)
    {
        Description = description,
        HelpName = valueName,
        AllowMultipleArgumentsPerToken = true,
        DefaultValueFactory = _ => [],
        CustomParser = result => [.. result.Tokens.SelectMany(token => token.Value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))],
    });

    /// <summary>An argument that must be given.</summary>
    public Argument<string> Required(string name, string description) => With(new Argument<string>(name) { Description = description });
}

/// <summary>The usual help page, and the examples below it.</summary>
internal sealed class HelpWithExample(HelpAction usual) : SynchronousCommandLineAction
{
    public override int Invoke(ParseResult parseResult)
    {
        int code = usual.Invoke(parseResult);
        if (parseResult.CommandResult.Command is Verb { Examples.Count: > 0 } verb)
        {
            TextWriter output = parseResult.InvocationConfiguration.Output;
            output.WriteLine(verb.Examples.Count == 1 ? "Example:" : "Examples:");
            foreach (string example in verb.Examples)
            {
                output.WriteLine($"  {example}");
            }
        }

        return code;
    }
}
