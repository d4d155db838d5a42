using System.Text;
using Spectre.Console;

namespace Hieno.Cli;

/// <summary>Where a command reads and writes, and whether a person is watching.</summary>
/// <param name="output">Results.</param>
/// <param name="error">Errors and warnings.</param>
/// <param name="input">What a user types.</param>
/// <param name="isInteractive">True when the output is a terminal, on which lines can be drawn anew; else it is plain text.</param>
internal sealed class Terminal(TextWriter output, TextWriter error, TextReader input, bool isInteractive)
{
    private readonly Lazy<IAnsiConsole> _ansi = new(() => AnsiConsole.Create(new AnsiConsoleSettings
    {
        Out = new AnsiConsoleOutput(output),
        Interactive = InteractionSupport.Yes,
        Ansi = AnsiSupport.Yes,
    }));

    public TextWriter Output { get; } = output;

    public TextWriter Error { get; } = error;

    public TextReader Input { get; } = input;

    public bool IsInteractive { get; } = isInteractive;

    /// <summary>The output as a terminal that can be drawn on; only where <see cref="IsInteractive"/>.</summary>
    public IAnsiConsole Ansi => _ansi.Value;

    /// <summary>That of the process. TERM=dumb and NO_COLOR ask for plain text, as does a redirected output.</summary>
    public static Terminal OfProcess()
    {
        Console.OutputEncoding = Encoding.UTF8; // Windows would write other characters than those of its old code page as question marks
        bool plain = Console.IsOutputRedirected
            || Environment.GetEnvironmentVariable("TERM") == "dumb"
            || !string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"));
        return new Terminal(Console.Out, Console.Error, Console.In, !plain);
    }

    /// <summary>Does long work behind a line that shows it is alive; on a terminal only.</summary>
    public T During<T>(string what, Func<T> work) => IsInteractive ? Ansi.Status().Start(Markup.Escape(what), _ => work()) : work();

    public void WriteLine(string text = "") => Output.WriteLine(text);
}
