namespace Hieno.Advice;

/// <summary>How much memory a way of tuning is predicted to need, in bytes.</summary>
/// <param name="Method">The way of tuning, e.g. <c>lora</c>.</param>
/// <param name="Trainable">How many numbers learn.</param>
/// <param name="WeightBytes">The model's weights, those that stay mapped from their files included, and an adapter's.</param>
/// <param name="OptimizerBytes">What the optimizer remembers.</param>
/// <param name="StepBytes">The most that a step holds at once: activations and gradients. The report of a run has the measured value as <c>peakStepBytes</c>.</param>
public sealed record MemoryForecast(string Method, long Trainable, long WeightBytes, long OptimizerBytes, long StepBytes)
{
    /// <summary>What the program takes before it trains anything: runtime, code and tokenizer. Measured on the bundled models.</summary>
    public const long ProgramBytes = 100L << 20;

    /// <summary>All of it.</summary>
    public long TotalBytes => ProgramBytes + WeightBytes + OptimizerBytes + StepBytes;
}
