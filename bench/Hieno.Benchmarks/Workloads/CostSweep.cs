using System.Globalization;

namespace Hieno.Benchmarks.Workloads;

/// <summary>One small Llama at many sizes of its batch: how time and memory grow with the work.</summary>
internal static class CostSweep
{
    /// <summary>Tokens in a row of a batch of one.</summary>
    public static IReadOnlyList<int> Lengths { get; } = [128, 256, 512, 1024, 2048, 4096];

    /// <summary>Rows in a batch of <see cref="ShortLength"/> tokens each. The largest has as many tokens as the longest row.</summary>
    public static IReadOnlyList<int> Batches { get; } = [1, 2, 4, 8, 16, 32];

    /// <summary>Tokens in each row while the number of rows grows.</summary>
    public static int ShortLength => 128;

    /// <summary>Every step of the sweep, under the names that <see cref="NameOf"/> gives.</summary>
    public static IReadOnlyList<IStepBenchmark> All { get; } =
    [
        .. Lengths.Select(length => Step(1, length)),
        .. Batches.Where(batch => batch > 1).Select(batch => Step(batch, ShortLength)),
    ];

    /// <summary>The name of the step over so many rows of so many tokens.</summary>
    public static string NameOf(int batch, int tokens) => string.Create(CultureInfo.InvariantCulture, $"cost-{batch}x{tokens}");

    /// <summary>What is measured, in words.</summary>
    public static string Model => "a Llama of 6 layers, 256 channels and 8192 tokens of vocabulary, full fine-tuning in float32";

    private static TrainingStep Step(int batch, int tokens) => new(NameOf(batch, tokens), target: 0, new LlamaWorkload
    {
        Layers = 6,
        Width = 256,
        Heads = 4,
        Hidden = 688,
        Vocabulary = 8192,
        Positions = 4096,
        Batch = batch,
        Tokens = tokens,
    });
}
