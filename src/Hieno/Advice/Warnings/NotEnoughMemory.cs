namespace Hieno.Advice.Warnings;

/// <summary>The run is predicted to need more memory than the machine has free.</summary>
/// <remarks>The prediction: <see cref="MemoryModel"/>.</remarks>
internal sealed class NotEnoughMemory : IRunWarning
{
    private const double Mebi = 1 << 20;

    public string Id => "memory";

    public string? Check(RunFacts facts) => facts.NeededBytes is not { } needed || needed <= facts.FreeBytes ? null
        : FormattableString.Invariant($"the optimizer and the largest step are predicted to need {needed / Mebi:0} MiB, and the machine has {facts.FreeBytes / Mebi:0} MiB free. Set 'training.gradientCheckpointing: true', lower 'training.batchSize' and raise 'training.accumulation', or choose 'tuning: lora'; 'hieno advise' compares them");
}
