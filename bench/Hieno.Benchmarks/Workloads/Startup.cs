using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hieno.Benchmarks.Machine;

namespace Hieno.Benchmarks.Workloads;

/// <summary>From the start of the program to the end of its first training step: each step runs <c>hieno train</c> anew, until it reports one.</summary>
/// <remarks>
/// The command line as built, on the bundled decoder and the sample conversations. Ours reads data and tokenizer as well; the peer,
/// also a new process each time, draws its tokens. The memory in the report is that of the processes that start these, and says nothing.
/// </remarks>
internal sealed class Startup : IStepBenchmark
{
    private const int Batch = 8, Tokens = 64;

    private readonly string _folder = Path.Combine(Path.GetTempPath(), "hieno-startup");

    /// <inheritdoc/>
    public string Name => "startup";

    /// <inheritdoc/>
    public double Target => 3;

    /// <inheritdoc/>
    public double StockTarget => 3;

    /// <inheritdoc/>
    public double MemoryTarget => double.PositiveInfinity;

    /// <summary>Forward and backward of about 1.3 million weights: next to nothing.</summary>
    public double MatrixFlops => 6.0 * Batch * Tokens * 1.3e6;

    /// <inheritdoc/>
    public PeerTask Peer => new("startup.py", new JsonObject
    {
        ["folder"] = Path.Combine(Root, "models", "hieno-decoder"),
        ["batch"] = Batch,
        ["tokens"] = Tokens,
        ["threads"] = Environment.ProcessorCount,
    });

    private static string Root => Path.GetDirectoryName(Repository.Bench)!;

    /// <inheritdoc/>
    public void Setup()
    {
        Directory.CreateDirectory(_folder);
        File.WriteAllText(
            Path.Combine(_folder, "recipe.yaml"),
            $$"""
            base: {{Path.Combine(Root, "models", "hieno-decoder")}}
            task: sft
            data:
              train: {{Path.Combine(Root, "samples", "instructions", "train.jsonl")}}
              chatTemplate: plain
            tuning: full
            training: { maxSteps: 2, batchSize: {{Batch}} }
            output: {{Path.Combine(_folder, "run")}}
            """);
    }

    /// <inheritdoc/>
    public double Step()
    {
        string cli = Path.Combine(AppContext.BaseDirectory, "..", "..", "Hieno.Cli", "release", "Hieno.Cli.dll");
        var start = new ProcessStartInfo("dotnet", [cli, "train", Path.Combine(_folder, "recipe.yaml"), "--json", "--overwrite"])
        {
            RedirectStandardOutput = true,
            UseShellExecute = false,
        };
        using Process process = Process.Start(start)!;
        while (process.StandardOutput.ReadLine() is { } line)
        {
            using JsonDocument happened = JsonDocument.Parse(line);
            if (happened.RootElement.GetProperty("event").GetString() == "step")
            {
                double loss = happened.RootElement.GetProperty("loss").GetDouble();
                process.Kill(); // what follows is not the start
                process.WaitForExit();
                return loss;
            }
        }

        throw new InvalidOperationException("'hieno train' ended before its first step. Run it by itself to see why.");
    }
}
