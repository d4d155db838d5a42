namespace Hieno.Benchmarks;

/// <summary>A row of the comparison: a whole training step (<see cref="IStepBenchmark"/>) or many short cases (<see cref="CasesRow"/>).</summary>
public interface IBenchmark
{
    /// <summary>The row's name on the command line and in the tables: lower case, hyphenated.</summary>
    string Name { get; }
}
