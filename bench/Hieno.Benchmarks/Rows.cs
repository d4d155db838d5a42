using Hieno.Benchmarks.Workloads;

namespace Hieno.Benchmarks;

/// <summary>Every row of the comparison with the peers, on one page. To add one: implement it and add its line.</summary>
internal static class Rows
{
    /// <summary>The rows, in the order in which they run.</summary>
    public static IReadOnlyList<IStepBenchmark> All { get; } =
    [
        new Gpt2Step("gpt2-full-fp32", target: 1.2, new Gpt2Workload()),
        new Gpt2Step("gpt2-lora-fp32", target: 1.3, new Gpt2Workload { Tuning = Gpt2Tuning.Lora }),
    ];

    /// <summary>The row called <paramref name="name"/>.</summary>
    /// <exception cref="BenchmarkException">There is none.</exception>
    public static IStepBenchmark Named(string name) =>
        All.FirstOrDefault(row => row.Name == name)
        ?? throw new BenchmarkException(
            ExitCode.Usage,
            $"Rows: no row is called '{name}'. There are: {(All.Count == 0 ? "none" : string.Join(", ", All.Select(row => row.Name)))}.");
}
