using System.Text.Json.Nodes;

namespace Hieno.Benchmarks;

/// <summary>One row of the comparison: our side of a training step, and the peer's script that does the same work.</summary>
/// <remarks>
/// An instance is made twice: by the harness, which reads only the properties, and by the child process
/// that runs the steps. So a constructor must be cheap, and everything heavy belongs to <see cref="Setup"/>.
/// The child sees as many processors as the peer has threads: <see cref="Environment.ProcessorCount"/> is
/// the number of threads to use.
/// </remarks>
public interface IStepBenchmark : IBenchmark
{
    /// <summary>The smallest ratio, the peer's time ÷ ours, at which the row passes.</summary>
    double Target { get; }

    /// <summary>The smallest ratio at which the row passes against PyTorch as installed.</summary>
    double StockTarget { get; }

    /// <summary>The largest share of the peer's peak memory at which the row passes.</summary>
    double MemoryTarget { get; }

    /// <summary>Null where both sides do the same work; else how each comes to the same result, for a row that is listed apart.</summary>
    string? Difference => null;

    /// <summary>Floating-point operations of the matrix products that one step cannot do without; 0 where the sides differ in them.</summary>
    double MatrixFlops { get; }

    /// <summary>The same work for the peer.</summary>
    PeerTask Peer { get; }

    /// <summary>Builds the model, the optimizer and the batch. Called once, not timed.</summary>
    void Setup();

    /// <summary>Runs one whole training step: forward, backward, optimizer. This call is what is timed.</summary>
    /// <returns>The loss before the update; the report shows the first one beside the peer's.</returns>
    double Step();
}

/// <summary>What the peer is asked to run.</summary>
/// <param name="Script">A file name in <c>bench/peers</c>.</param>
/// <param name="Settings">Keyword arguments of the script's <c>build</c> function.</param>
public sealed record PeerTask(string Script, JsonObject Settings);
