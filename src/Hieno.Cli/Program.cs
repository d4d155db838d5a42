using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.Globalization;
using Hieno.Cli.Commands;

namespace Hieno.Cli;

/// <summary>The program: one file a verb in <c>Commands/</c>, one line here.</summary>
internal static class Program
{
    private const string Description = "Fine-tunes pretrained neural networks, on the machine you have, with no Python.";
    private const string DebugOption = "--debug";

    public static async Task<int> Main(string[] args)
    {
        CultureInfo.DefaultThreadCurrentCulture = CultureInfo.InvariantCulture;
        CultureInfo.DefaultThreadCurrentUICulture = CultureInfo.InvariantCulture;
        using var interrupt = new Interrupt();
        return await RunAsync(args, Terminal.OfProcess(), interrupt.Token);
    }

    /// <summary>Runs one command line.</summary>
    /// <param name="args">The arguments, without the program's name.</param>
    /// <param name="terminal">Where it reads and writes.</param>
    /// <param name="cancellation">Ends the work at the next safe place.</param>
    /// <returns>An exit code of <see cref="ExitCode"/>.</returns>
    public static async Task<int> RunAsync(string[] args, Terminal terminal, CancellationToken cancellation = default)
    {
        // Numbers are written and read the same way in every country; the setting ends with this call.
        CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        RootCommand root = CreateRoot(terminal);
        string[] line = args.Length == 0 ? ["--help"] : args;
        ParseResult parsed = root.Parse(line, new ParserConfiguration { EnablePosixBundling = false, ResponseFileTokenReplacer = null });
        var invocation = new InvocationConfiguration
        {
            Output = terminal.Output,
            Error = terminal.Error,
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = null, // Interrupt handles Ctrl-C: a checkpoint may take longer than any fixed time
        };
        if (parsed.Action is ParseErrorAction)
        {
            return ErrorReport.WriteUsage(parsed, terminal.Error);
        }

        try
        {
            return await parsed.InvokeAsync(invocation, cancellation);
        }
        catch (Exception error)
        {
            return ErrorReport.Write(error, terminal.Error, parsed.GetValue<bool>(DebugOption));
        }
    }

    private static RootCommand CreateRoot(Terminal terminal)
    {
        var root = new RootCommand(Description)
        {
            TrainCommand.Create(terminal),
            EvalCommand.Create(terminal),
            ScoreCommand.Create(terminal),
            GenerateCommand.Create(terminal),
            ChatCommand.Create(terminal),
            InspectCommand.Create(terminal),
            AdviseCommand.Create(terminal),
            LintCommand.Create(terminal),
            FidCommand.Create(terminal),
            MergeCommand.Create(terminal),
            InterpolateCommand.Create(terminal),
            SoupCommand.Create(terminal),
            ZeroShotCommand.Create(terminal),
            SchemaCommand.Create(terminal),
            DoctorCommand.Create(terminal),
            TokenizerCommand.Create(terminal),
        };
        root.Add(new Option<bool>(DebugOption) { Description = "Prints the details of an unexpected error.", Recursive = true });
        HelpOption help = root.Options.OfType<HelpOption>().Single();
        help.Action = new HelpWithExample((HelpAction)help.Action!);
        return root;
    }
}
