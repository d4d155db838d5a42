namespace Hieno.Advice.Warnings;

/// <summary>Numbers to predict that are far from the size of a new output layer's, so that squared errors are huge or tiny.</summary>
/// <remarks>A standard deviation outside 0.1 to 10 is Hieno's own rule.</remarks>
internal sealed class TargetScale : IRunWarning
{
    private const double Least = 0.1;
    private const double Most = 10;

    public string Id => "target-scale";

    public string? Check(RunFacts facts) => facts.Rows.Deviation is not { } deviation || deviation is >= Least and <= Most ? null
        : FormattableString.Invariant($"the numbers to predict have a standard deviation of {deviation:g3}, but a new output layer begins near 0 with outputs of about 1: errors are {(deviation > Most ? "huge and clipped" : "too small to see")}. Scale them to a standard deviation of 1");
}
