namespace Hieno.Benchmarks.Tuning;

/// <summary>Every way of tuning that the experiments compare. A new method is one line here.</summary>
internal static class TuningRows
{
    private const string Classification = "classification";
    private const string CausalModels = "causal-lm"; // blocks that normalise first
    private const string Linear = "--tuning.targets all-linear";

    // Four rates each, half a power of ten apart: where few numbers learn, they must move further; a step of Lion is as long as the rate for every weight.
    private static readonly double[] s_smallSteps = [3e-5, 1e-4, 3e-4, 1e-3];
    private static readonly double[] s_weights = [3e-4, 1e-3, 3e-3, 1e-2];
    private static readonly double[] s_adapters = [1e-3, 3e-3, 1e-2, 3e-2];
    private static readonly double[] s_vectors = [3e-3, 1e-2, 3e-2, 1e-1];

    /// <summary>The rows, group by group.</summary>
    public static IReadOnlyList<TuningRow> All { get; } =
    [
        new("whole model", "from scratch", "--start random", s_weights),
        new("whole model", TuningRow.Full, "--tuning full", s_weights),
        new("whole model", "full, gradual unfreezing", "--tuning full --training.unfreeze.layers 1", s_weights),
        new("whole model", "full, GreenTrainer 0.5", "--tuning full --training.greenTrainer.flops 0.5", s_weights),
        new("whole model", "full, LP-FT", "--tuning full --training.probe.strengths 100 --training.dropout 0 --data.validation 500", s_weights, Classification),
        new("whole model", "full, L2-SP 0.01", "--tuning full --training.pullToStart.penalty 0.01 --training.optimizer.weightDecay 0", s_weights),
        new("whole model", "full, LISA 2 layers", "--tuning full --training.lisa.layers 2 --training.lisa.everySteps 20", s_weights),
        new("whole model", "full, GaLore 16", "--tuning full --training.optimizer galore --training.optimizer.rank 16 --training.optimizer.scale 1", s_weights),
        new("whole model", "full, 8-bit AdamW", "--tuning full --training.optimizer adamw-8bit", s_weights),
        new("whole model", "full, Adam-mini", "--tuning full --training.optimizer adam-mini", s_weights),
        new("whole model", "full, Adafactor", "--tuning full --training.optimizer adafactor", s_vectors),
        new("whole model", "full, Lion", "--tuning full --training.optimizer lion", s_smallSteps),

        new("chosen weights", "partial, last 2 blocks", "--tuning partial --tuning.lastBlocks 2", s_weights),
        new("chosen weights", "preset ffn", "--tuning preset --tuning.layout ffn", s_weights),
        new("chosen weights", "preset attention", "--tuning preset --tuning.layout attention", s_weights),
        new("chosen weights", "preset first-half", "--tuning preset --tuning.layout first-half", s_weights),
        new("chosen weights", "preset last-half", "--tuning preset --tuning.layout last-half", s_weights),
        new("chosen weights", "preset alternating", "--tuning preset --tuning.layout alternating", s_weights),
        new("chosen weights", "preset sandwich", "--tuning preset --tuning.layout sandwich", s_weights),
        new("chosen weights", "preset last", "--tuning preset --tuning.layout last", s_weights),
        new("chosen weights", "angle, largest", "--tuning angle --tuning.tuned {full} --tuning.select largest", s_weights),
        new("chosen weights", "angle, smallest", "--tuning angle --tuning.tuned {full} --tuning.select smallest", s_weights),
        new("chosen weights", "random-mask 0.2", "--tuning random-mask --tuning.keep 0.2", s_weights),
        new("chosen weights", "bitfit", "--tuning bitfit", s_adapters, Classification),
        new("chosen weights", "norms", "--tuning norms", s_adapters),
        new("chosen weights", "fisher-norms 0.2", "--tuning fisher-norms --tuning.keep 0.2", s_adapters),
        new("chosen weights", "head", "--tuning head", s_adapters, Classification),

        new("low rank", "lora r8", $"--tuning lora {Linear}", s_adapters),
        new("low rank", "qlora r8", $"--tuning lora --quantization nf4 {Linear}", s_adapters),
        new("low rank", "rslora r8", $"--tuning lora --tuning.rsLora true {Linear}", s_adapters),
        new("low rank", "dora r8", $"--tuning lora --tuning.dora true {Linear}", s_adapters),
        new("low rank", "pissa r8", $"--tuning lora --tuning.initialization pissa {Linear}", s_weights),
        new("low rank", "olora r8", $"--tuning lora --tuning.initialization olora {Linear}", s_weights),
        new("low rank", "lora+ r8", $"--tuning lora --tuning.plusRatio 16 {Linear}", s_weights),
        new("low rank", "adalora r12 to 8", $"--tuning adalora --tuning.warmupSteps 10 --tuning.finalSteps 20 --tuning.interval 5 {Linear}", s_adapters),
        new("low rank", "vera r256", $"--tuning vera {Linear}", s_vectors),
        new("low rank", "loha r8", $"--tuning loha {Linear}", s_adapters),
        new("low rank", "lokr r8", $"--tuning lokr {Linear}", s_adapters),
        new("low rank", "vblora r4", $"--tuning vblora --tuning.vectorLength 64 --tuning.vectors 64 {Linear}", s_adapters),
        new("low rank", "fourierft 1000", $"--tuning fourierft {Linear}", s_vectors),

        new("rotations", "oft b16", $"--tuning oft --tuning.blockSize 16 {Linear}", s_adapters),
        new("rotations", "boft b8 m2", $"--tuning boft --tuning.blockSize 8 --tuning.factors 2 {Linear}", s_adapters),
        new("rotations", "hra r8", $"--tuning hra {Linear}", s_adapters),

        new("scales", "ia3", "--tuning ia3", s_vectors),
        new("scales", "ln-tuning", "--tuning ln-tuning", s_adapters),

        new("virtual tokens", "prompt-tuning 20", "--tuning prompt-tuning", s_vectors),
        new("virtual tokens", "p-tuning 20", "--tuning p-tuning", s_adapters),
        new("virtual tokens", "prefix-tuning 20", "--tuning prefix-tuning", s_vectors),
        new("virtual tokens", "llama-adapter 10", "--tuning llama-adapter", s_adapters),

        new("inside blocks", "bottleneck houlsby", "--tuning bottleneck --tuning.placement houlsby --tuning.reduction 8", s_adapters),
        new("inside blocks", "bottleneck pfeiffer", "--tuning bottleneck --tuning.placement pfeiffer --tuning.reduction 8", s_adapters),
        new("inside blocks", "bottleneck parallel", "--tuning bottleneck --tuning.placement parallel --tuning.reduction 8", s_adapters),
        new("inside blocks", "loreft r8", "--tuning reft --tuning.edit lo-reft", s_adapters),
        new("inside blocks", "noreft r8", "--tuning reft --tuning.edit no-reft", s_adapters),
        new("inside blocks", "direft r8", "--tuning reft --tuning.edit di-reft", s_adapters),

        new("beside and between blocks", "ladder 1/4", "--tuning ladder --tuning.reduction 4", s_adapters),
        new("beside and between blocks", "block-expansion, 2 groups", "--tuning block-expansion --tuning.groups 2", s_weights, CausalModels),
    ];
}
