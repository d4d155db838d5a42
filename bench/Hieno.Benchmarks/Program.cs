using System.CommandLine;
using System.Globalization;
using Hieno.Benchmarks;
using Hieno.Benchmarks.Commands;

// Figures are written for files and other programs as well: always with a decimal point.
CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;

RootCommand root = new("Measures Hieno beside its peers, in one run, as ratios. See bench/README.md.")
{
    PeersCommand.Create(),
    SelfTestCommand.Create(),
    ScalingCommand.Create(),
    CostCommand.Create(),
    AllocationCommand.Create(),
    CheckpointingCommand.Create(),
    PeakCommand.Create(),
    TuningCommand.Create(),
    BasesCommand.Create(),
    OptimizersCommand.Create(),
    ResultsCommand.Create(),
    ServeCommand.Create(),
};

ParseResult parsed = root.Parse(args);
if (parsed.Errors.Count > 0)
{
    parsed.Invoke();
    return ExitCode.Usage;
}

try
{
    // Faults reach the handler below instead of the library's own, which would answer 1: "a row falls short".
    return parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
}
catch (BenchmarkException fault)
{
    Console.Error.WriteLine(fault.Message);
    return fault.ExitCode;
}
