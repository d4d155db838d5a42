using Hieno.Benchmarks.Workloads;

namespace Hieno.Benchmarks;

/// <summary>Every row of the comparison with the peers, on one page. To add one: implement it and add its line.</summary>
internal static class Rows
{
    /// <summary>The rows, in the order in which they run.</summary>
    public static IReadOnlyList<IBenchmark> All { get; } =
    [
        new TrainingStep("gpt2-full-fp32", target: 1.2, new Gpt2Workload()) { StockTarget = 2.3 },
        new TrainingStep("gpt2-lora-fp32", target: 1.3, new Gpt2Workload { Tuning = StepTuning.Lora }) { StockTarget = 2.6 },
        new TrainingStep("bert-full-fp32", target: 1.2, new BertWorkload()),
        new TrainingStep("bert-lora-fp32", target: 1.2, new BertWorkload { Tuning = StepTuning.Lora }),
        new TrainingStep("llama-256-fp32", target: 1.3, new LlamaWorkload()),
        new TrainingStep("llama-1024-fp32", target: 1.3, new LlamaWorkload { Tokens = 1024 }),
        new TrainingStep("llama-lora-1024-fp32", target: 1.3, new LlamaWorkload { Tokens = 1024, Tuning = StepTuning.Lora }),
        new TrainingStep("gpt2-full-bf16", target: 1.3, new Gpt2Workload { Precision = StepWorkload.Brain }),
        new TrainingStep("gpt2-lora-bf16", target: 1.3, new Gpt2Workload { Precision = StepWorkload.Brain, Tuning = StepTuning.Lora }),
        new TrainingStep("bert-full-bf16", target: 1.3, new BertWorkload { Precision = StepWorkload.Brain }),
        new TrainingStep("bert-lora-bf16", target: 1.3, new BertWorkload { Precision = StepWorkload.Brain, Tuning = StepTuning.Lora }),
        new TrainingStep("llama-256-bf16", target: 1.3, new LlamaWorkload { Precision = StepWorkload.Brain }),
        new TrainingStep("llama-1024-bf16", target: 1.3, new LlamaWorkload { Precision = StepWorkload.Brain, Tokens = 1024 }),
        new VisionStep("resnet18-full", "resnet18", batch: 16, frozen: false),
        new VisionStep("resnet18-head", "resnet18", batch: 16, frozen: true),
        new VisionStep("resnet50-full", "resnet50", batch: 16, frozen: false),
        new VisionStep("resnet50-head", "resnet50", batch: 16, frozen: true),
        new VisionStep("vit-b16-full", "vit-b16", batch: 8, frozen: false),
        new VisionStep("vit-b16-head", "vit-b16", batch: 8, frozen: true),
        new PromptStep("less-sft"),
        new FrozenJob("less-head", learningBlocks: 0),
        new FrozenJob("less-last2", learningBlocks: 2),
        new CasesRow("gemm", "kernels.py", MatrixCases.Single),
        new CasesRow("gemm-avx2", "kernels.py", MatrixCases.Vectors256) { Vectors256 = true },
        new CasesRow("gemm-bf16", "kernels.py", MatrixCases.BFloat16),
        new CasesRow("attention", "kernels.py", AttentionCases.All),
        new CasesRow("kernels", "kernels.py", KernelCases.All),
        new Gpt2Generation("generation-1", target: 1.5, batch: 1),
        new Gpt2Generation("generation-16", target: 1.5, batch: 16),
        new Startup(),
    ];

    /// <summary>The training steps among the rows: all of them, or the one called <paramref name="only"/>.</summary>
    /// <exception cref="BenchmarkException">That row does not exist, or is no training step.</exception>
    public static IReadOnlyList<IStepBenchmark> Steps(string? only)
    {
        IStepBenchmark[] steps = [.. (only is null ? All : [Named(only)]).OfType<IStepBenchmark>()];
        return steps.Length > 0 ? steps : throw new BenchmarkException(
            ExitCode.Usage, $"Rows: '{only}' is no training step. There are: {string.Join(", ", Steps(null).Select(row => row.Name))}.");
    }

    /// <summary>The row called <paramref name="name"/>.</summary>
    /// <exception cref="BenchmarkException">There is none.</exception>
    public static IBenchmark Named(string name) =>
        All.Concat(CostSweep.All).FirstOrDefault(row => row.Name == name)
        ?? throw new BenchmarkException(
            ExitCode.Usage,
            $"Rows: no row is called '{name}'. There are: {(All.Count == 0 ? "none" : string.Join(", ", All.Select(row => row.Name)))}.");
}
