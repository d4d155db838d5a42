using System.Diagnostics;
using System.Text.Json.Nodes;
using Hieno.Benchmarks.Contest;
using Hieno.Benchmarks.Machine;

namespace Hieno.Benchmarks.Peers;

/// <summary>Starts a PyTorch script of <c>bench/peers</c> as a contestant.</summary>
internal static class PeerProcess
{
    /// <summary>Starts the script in exactly the given environment and checks that it got the BLAS it was given.</summary>
    public static Contestant Start(string python, PeerTask task, PeerEnvironment environment, string? name = null)
    {
        string script = Path.Combine(Repository.Bench, "peers", task.Script);
        if (!File.Exists(script))
        {
            throw new BenchmarkException(ExitCode.Usage, $"PeerProcess: there is no {script}. Correct the row's peer script.");
        }

        ProcessStartInfo start = new(python) { ArgumentList = { "-B", script } }; // -B: leave no compiled files in the checkout
        start.Environment.Clear();
        foreach (string variable in PeerEnvironment.Inherited)
        {
            if (Environment.GetEnvironmentVariable(variable) is { } value)
            {
                start.Environment[variable] = value;
            }
        }

        foreach ((string variable, string value) in environment.Variables)
        {
            start.Environment[variable] = value;
        }

        Contestant peer = Contestant.Start(name ?? environment.Name, start);
        try
        {
            CheckBlas(peer, environment);
            return peer;
        }
        catch
        {
            peer.Dispose();
            throw;
        }
    }

    /// <summary>Version, instruction set and BLAS in one line, for the report.</summary>
    public static string Describe(Contestant peer) =>
        $"PyTorch {peer.About["torch"]}, {peer.About["simd"]}, {string.Join(" + ", Blas(peer).Select(Path.GetFileName))} "
        + $"from {string.Join(", ", Blas(peer).Select(Path.GetDirectoryName).Distinct())}";

    private static void CheckBlas(Contestant peer, PeerEnvironment environment)
    {
        if (environment.BlasFolder is { } folder && !Blas(peer).All(library => library.StartsWith(folder, StringComparison.Ordinal)))
        {
            throw new BenchmarkException(
                ExitCode.Failed,
                $"{peer.Name}: PyTorch loaded {string.Join(", ", Blas(peer))}, expected its BLAS from {folder}. "
                + "It was built with a BLAS of its own: compare with --peer stock.");
        }
    }

    private static string[] Blas(Contestant peer) =>
        peer.About["blas"] is JsonArray paths ? [.. paths.Select(path => (string)path!)] : [];
}
