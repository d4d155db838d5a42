namespace Hieno.Cli.Tests;

/// <summary>What a command line wrote and ended with.</summary>
internal sealed record CliRun(int Code, string Output, string Error)
{
    /// <summary>Runs a command line in this process, as if its output went to a file.</summary>
    public static async Task<CliRun> Of(params string[] args) => await With(string.Empty, default, args);

    /// <summary>As <see cref="Of"/>, with something typed and a cancellation.</summary>
    public static async Task<CliRun> With(string typed, CancellationToken cancellation, params string[] args)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        using var input = new StringReader(typed);
        int code = await Program.RunAsync(args, new Terminal(output, error, input, isInteractive: false), cancellation);
        return new CliRun(code, output.ToString(), error.ToString());
    }

    public string[] Lines => Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
}
