using System.CommandLine;
using System.CommandLine.Parsing;
using Hieno.Formats;
using Hieno.Formats.Tokenizers;
using Hieno.Recipes;

namespace Hieno.Cli;

/// <summary>The command line asks for something that cannot be.</summary>
internal sealed class UsageException(string message) : Exception(message);

/// <summary>Tells a user what went wrong: a mistake in a line, a fault of the program with a way to report it.</summary>
internal static class ErrorReport
{
    /// <summary>Writes an error.</summary>
    /// <param name="error">The error.</param>
    /// <param name="output">Where to write.</param>
    /// <param name="debug">True to write the stack trace of an unexpected error.</param>
    /// <returns>The exit code.</returns>
    public static int Write(Exception error, TextWriter output, bool debug)
    {
        switch (error)
        {
            case OperationCanceledException:
                output.WriteLine("cancelled");
                return ExitCode.Cancelled;
            case RecipeException recipe:
                foreach (RecipeFault fault in recipe.Faults.Take(MostFaults))
                {
                    output.WriteLine($"error {fault.Code}: {fault}");
                }

                if (recipe.Faults.Count > MostFaults)
                {
                    output.WriteLine($"… and {recipe.Faults.Count - MostFaults} more faults");
                }

                return ExitCode.Usage;
            case UsageException:
                output.WriteLine($"error: {error.Message}");
                return ExitCode.Usage;
            case HienoException known:
                output.WriteLine($"error {known.Code}: {known.Message}");
                return ExitCode.Failed;
            case TokenizerException or IOException or UnauthorizedAccessException:
                output.WriteLine($"error: {error.Message}");
                return ExitCode.Failed;
            case OutOfMemoryException:
                output.WriteLine("error: there is not enough memory. Lower training.batchSize or data.maxLength, or set training.gradientCheckpointing.");
                return ExitCode.Failed;
            default:
                WriteUnexpected(error, output, debug);
                return ExitCode.Failed;
        }
    }

    /// <summary>Writes what is wrong with a command line, and where its help is.</summary>
    /// <returns>The exit code.</returns>
    public static int WriteUsage(ParseResult parsed, TextWriter output)
    {
        if (parsed.CommandResult.Command is RootCommand && parsed.UnmatchedTokens is [{ } typed, ..])
        {
            string[] verbs = [.. parsed.RootCommandResult.Command.Subcommands.Select(known => known.Name)];
            string meant = Spelling.Nearest(typed, verbs) is { } near ? $"Did you mean '{near}'? " : string.Empty;
            output.WriteLine($"error: '{typed}' is not a verb. {meant}The verbs are {string.Join(", ", verbs)}.");
        }
        else
        {
            foreach (ParseError fault in parsed.Errors)
            {
                output.WriteLine($"error: {fault.Message}");
            }
        }

        string verb = parsed.CommandResult.Command is Verb own ? $"{own.Name} " : string.Empty;
        output.WriteLine($"See 'hieno {verb}--help'.");
        return ExitCode.Usage;
    }

    private const int MostFaults = 100;

    private static void WriteUnexpected(Exception error, TextWriter output, bool debug)
    {
        output.WriteLine($"error: something unexpected happened, which is a fault of this program: {error.GetType().Name}: {error.Message}");
        if (debug || Environment.GetEnvironmentVariable("HIENO_DEBUG") == "1")
        {
            output.WriteLine(error);
        }
        else
        {
            output.WriteLine("Please report it with the command you ran and the details that the same command prints with --debug.");
        }
    }
}
