namespace Hieno.Benchmarks.Peak;

/// <summary>What the machine can do at most.</summary>
/// <param name="Flops">float32 multiply-adds, two operations each, a second.</param>
/// <param name="BytesPerSecond">Memory traffic.</param>
internal readonly record struct MachinePeak(double Flops, double BytesPerSecond)
{
    /// <summary>Measures both. Traffic is the better of reading alone and copying: a kernel's mix lies between the two.</summary>
    public static MachinePeak Measure(int threads) =>
        new(FmaPeak.Measure(threads), Math.Max(MemoryBandwidth.Read(threads), MemoryBandwidth.Copy(threads)));

    /// <summary>The higher figures of two measurements: a neighbour may spoil one of them.</summary>
    public MachinePeak Or(MachinePeak other) => new(Math.Max(Flops, other.Flops), Math.Max(BytesPerSecond, other.BytesPerSecond));
}
