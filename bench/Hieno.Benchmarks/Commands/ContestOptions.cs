using System.CommandLine;
using Hieno.Benchmarks.Contest;
using Hieno.Benchmarks.Peers;

namespace Hieno.Benchmarks.Commands;

/// <summary>The settings of a comparison, as read from the command line.</summary>
/// <param name="Tuned">Whether PyTorch gets the tuned environment.</param>
/// <param name="Threads">Threads on each side.</param>
/// <param name="Python">The interpreter asked for, or null.</param>
/// <param name="Sampling">How many samples.</param>
internal sealed record ContestSettings(bool Tuned, int Threads, string? Python, DuelOptions Sampling)
{
    /// <summary>The environment the peer runs in.</summary>
    public PeerEnvironment Environment() => Tuned ? PeerEnvironment.Tuned(Threads) : PeerEnvironment.Stock;
}

/// <summary>The options that every comparing command shares.</summary>
internal sealed class ContestOptions
{
    private const string TunedName = "tuned", StockName = "stock";

    private static readonly DuelOptions s_defaults = new();

    private readonly Option<string> _peer = new("--peer")
    {
        Description = "PyTorch's environment: tuned for this machine, or stock as installed.",
        DefaultValueFactory = _ => TunedName,
    };

    private readonly Option<int?> _samples = new("--samples")
    {
        Description = $"Clean samples wanted on each side; at most three times as many are taken. Default {s_defaults.Samples}, and {s_defaults.CaseSamples} for each of many short cases.",
    };

    private readonly Option<int> _threads = new("--threads")
    {
        Description = "Threads on each side.",
        DefaultValueFactory = _ => Environment.ProcessorCount,
    };

    private readonly Option<double> _patience = new("--patience")
    {
        Description = "Seconds to wait for a quiet machine before each sample.",
        DefaultValueFactory = _ => s_defaults.Patience.TotalSeconds,
    };

    private readonly Option<string?> _python = new("--python") { Description = "The Python interpreter that has PyTorch." };

    /// <summary>Makes the options with their limits.</summary>
    public ContestOptions()
    {
        _peer.AcceptOnlyFromAmong(TunedName, StockName);
        AtLeast(_samples, DuelOptions.FewestClean);
        AtLeast(_threads, 1);
        AtLeast(_patience, 0);
    }

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[_peer, _samples, _threads, _patience, _python])
        {
            command.Add(option);
        }
    }

    /// <summary>The values that were given.</summary>
    public ContestSettings Read(ParseResult parsed) => new(
        parsed.GetValue(_peer) == TunedName,
        parsed.GetValue(_threads),
        parsed.GetValue(_python),
        new DuelOptions
        {
            Samples = parsed.GetValue(_samples) ?? s_defaults.Samples,
            CaseSamples = parsed.GetValue(_samples) ?? s_defaults.CaseSamples,
            Patience = TimeSpan.FromSeconds(parsed.GetValue(_patience)),
        });

    private static void AtLeast<TOption, T>(Option<TOption> option, T least)
        where T : IComparable<T> =>
        option.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<TOption>() is T value && value.CompareTo(least) < 0)
            {
                result.AddError($"{option.Name}: is {value}, and must be at least {least}.");
            }
        });
}
