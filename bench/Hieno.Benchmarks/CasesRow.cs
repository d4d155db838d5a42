using System.Text.Json.Nodes;

namespace Hieno.Benchmarks;

/// <summary>A row of many cases too short to be timed one by one: matrix products of several shapes, or single kernels.</summary>
/// <param name="Name">The row's name.</param>
/// <param name="PeerScript">A file name in <c>bench/peers</c> that serves cases.</param>
/// <param name="Cases">The cases, in the order in which they run. Their names differ.</param>
public sealed record CasesRow(string Name, string PeerScript, IReadOnlyList<BenchmarkCase> Cases) : IBenchmark
{
    /// <summary>Whether both sides are held to vectors of 256 bits, as on a processor without AVX-512. Default false.</summary>
    public bool Vectors256 { get; init; }
}

/// <summary>One case: our side, and what the peer is asked to build for the same work.</summary>
/// <param name="Name">Its name in the row: lower case, words apart.</param>
/// <param name="Target">The smallest ratio, the peer's time ÷ ours, at which the case passes.</param>
/// <param name="Work">What one call cannot do without.</param>
/// <param name="Peer">Keyword arguments of the script's <c>build</c> function.</param>
/// <param name="Build">Makes the operands. Called by the child process that runs the case, and not timed.</param>
public sealed record BenchmarkCase(string Name, double Target, CaseWork Work, JsonObject Peer, Func<CaseRun> Build)
{
    /// <summary>Idle time before each call, on both sides; not timed itself. Default none: calls follow one another.</summary>
    public TimeSpan Gap { get; init; }

    /// <summary>How far the two sides' check values may lie apart, relatively. Default 0.001, for float32.</summary>
    public double Tolerance { get; init; } = 1e-3;
}

/// <summary>A case that is ready to run.</summary>
/// <param name="Call">Does the work once. Repeated calls do the same work.</param>
/// <param name="Check">A number made from the result of the first call. Both sides compute on the same operands, so both must find the same.</param>
public sealed record CaseRun(Action Call, Func<double> Check);

/// <summary>What a case is bound by, and how much of it one call needs at least.</summary>
/// <param name="Amount">Floating-point operations, or bytes read and written.</param>
/// <param name="IsMemory">Whether it is bytes.</param>
public readonly record struct CaseWork(double Amount, bool IsMemory)
{
    /// <summary>Arithmetic: a multiply-add counts as two.</summary>
    public static CaseWork Flops(double count) => new(count, IsMemory: false);

    /// <summary>Memory traffic: every operand read once and every result written once.</summary>
    public static CaseWork Bytes(double count) => new(count, IsMemory: true);
}
