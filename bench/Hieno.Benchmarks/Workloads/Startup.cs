using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hieno.Benchmarks.Machine;
using Hieno.Data;
using Hieno.Formats;
using Hieno.Formats.Text;
using Hieno.Models;
using Hieno.Objectives;
using Hieno.Recipes;

namespace Hieno.Benchmarks.Workloads;

/// <summary>From the start of the program to the end of its first training step: each step runs <c>hieno train</c> anew, until it reports one.</summary>
/// <remarks>
/// The command line as it is published, compiled ahead of time where .NET can, on the bundled decoder and as many conversations as a batch
/// holds. The peer, also a new process each time, reads the same checkpoint and takes the same step, so both report the same loss; the
/// tokens it finds ready in a file, where ours reads the conversations and splits them. The memory in the report is that of the processes
/// that start these, and says nothing.
/// </remarks>
internal sealed class Startup : IStepBenchmark
{
    private const int Batch = 8;

    private readonly string _folder = Path.Combine(Path.GetTempPath(), "hieno-startup");

    /// <inheritdoc/>
    public string Name => "startup";

    /// <inheritdoc/>
    public double Target => 3;

    /// <inheritdoc/>
    public double StockTarget => 3;

    /// <inheritdoc/>
    public double MemoryTarget => double.PositiveInfinity;

    /// <summary>Forward and backward of about 1.3 million weights on rows of about 64 tokens: next to nothing.</summary>
    public double MatrixFlops => 6.0 * Batch * 64 * 1.3e6;

    /// <inheritdoc/>
    public PeerTask Peer => new("startup.py", new JsonObject
    {
        ["folder"] = Model,
        ["rows"] = Tokens,
        ["threads"] = Environment.ProcessorCount,
    });

    private static string Root => Path.GetDirectoryName(Repository.Bench)!;

    private static string Model => Path.Combine(Root, "models", "hieno-decoder");

    private string Tokens => Path.Combine(_folder, "tokens.json");

    private string RecipePath => Path.Combine(_folder, "recipe.yaml");

    private string Program => Path.Combine(_folder, "program");

    /// <inheritdoc/>
    public void Setup()
    {
        Directory.CreateDirectory(_folder);
        string train = Path.Combine(_folder, "train.jsonl");
        File.WriteAllLines(train, File.ReadLines(Path.Combine(Root, "samples", "instructions", "train.jsonl")).Take(Batch));
        File.WriteAllText(
            RecipePath,
            $$"""
            base: {{Model}}
            task: sft
            data: { train: {{train}}, chatTemplate: plain }
            tuning: full
            training: { maxSteps: 2, batchSize: {{Batch}} }
            output: {{Path.Combine(_folder, "run")}}
            """);
        File.WriteAllText(Tokens, JsonSerializer.Serialize(Encode(Recipe.Load(RecipePath))));
        string[] arguments =
        [
            "publish", Path.Combine(Root, "src", "Hieno.Cli"), "-c", "Release", "-r", RuntimeInformation.RuntimeIdentifier,
            "--self-contained", "false", "-p:PublishReadyToRun=true", "--artifacts-path", Path.Combine(_folder, "build"), "-o", Program,
        ];
        using Process publish = Start(arguments);
        string output = publish.StandardOutput.ReadToEnd();
        publish.WaitForExit();
        if (publish.ExitCode != 0)
        {
            throw new InvalidOperationException($"'dotnet {string.Join(' ', arguments)}' ended with exit code {publish.ExitCode}: {output}");
        }
    }

    /// <inheritdoc/>
    public double Step()
    {
        using Process process = Start(Path.Combine(Program, "Hieno.Cli.dll"), "train", RecipePath, "--json", "--overwrite");
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

    private static Process Start(params string[] arguments) =>
        Process.Start(new ProcessStartInfo("dotnet", arguments) { RedirectStandardOutput = true, UseShellExecute = false })!;

    /// <summary>The rows as the recipe's run reads them: ids, and for each whether it is learned (itself, or −100).</summary>
    private static object[] Encode(Recipe recipe)
    {
        ModelConfig config = ModelConfig.Read(recipe.Base);
        IObjective objective = recipe.Task.Create();
        DataSplit data = DataSplit.Read(recipe.Data, recipe.Seed);
        objective.Prepare(
            new ObjectiveContext(ModelTokenizer.Load(recipe.Base), config, recipe.Data, TextModel.FamilyOf(config).MaxPositions(config), _ => { }), data.Known);
        List<DatasetException> invalid = [];
        IReadOnlyList<Example> examples = objective.Encode(data.Train, invalid);
        return [.. examples.Select(example => new { ids = example.Ids, labels = example.TokenLabels })];
    }
}
