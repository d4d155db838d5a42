using System.Text.Json;

namespace Hieno.Benchmarks.Tuning;

/// <summary>What was measured: on which rows of data, or what a step costs.</summary>
internal enum Measurement
{
    /// <summary>The metrics on held-out training rows, to choose the learning rate by.</summary>
    Choice,

    /// <summary>The metrics on the test rows.</summary>
    Test,

    /// <summary>Seconds, memory and bytes; the one measurement that depends on the machine.</summary>
    Cost,
}

/// <summary>One run.</summary>
/// <param name="Hash">What the run is: its recipe and settings, the data and the base model.</param>
/// <param name="What">What was measured.</param>
/// <param name="Recipe">The recipe's name.</param>
/// <param name="Row">The row's name.</param>
/// <param name="Rate">The learning rate.</param>
/// <param name="Seed">The seed.</param>
/// <param name="Trainable">How many weights learned.</param>
/// <param name="Total">How many there are.</param>
/// <param name="Values">Metrics by name; for the cost <c>seconds</c> a step, <c>peakBytes</c> of the process, <c>savedBytes</c>.</param>
internal sealed record TuningResult(
    string Hash, Measurement What, string Recipe, string Row, double Rate, ulong Seed, long Trainable, long Total, IReadOnlyDictionary<string, double> Values);

/// <summary>The results so far, a line of JSON each, written as soon as a run has ended: what is interrupted goes on where it was.</summary>
internal sealed class TuningResults
{
    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web) { Converters = { new System.Text.Json.Serialization.JsonStringEnumConverter(JsonNamingPolicy.CamelCase) } };

    private readonly string _path;
    private readonly Dictionary<(string Hash, Measurement What), TuningResult> _results = [];

    private TuningResults(string path) => _path = path;

    /// <summary>Reads the results of earlier runs, if any.</summary>
    /// <exception cref="BenchmarkException">A line is not a result.</exception>
    public static TuningResults Open(string path)
    {
        var results = new TuningResults(path);
        string[] lines = File.Exists(path) ? File.ReadAllLines(path) : [];
        for (int i = 0; i < lines.Length; i++)
        {
            try
            {
                var result = JsonSerializer.Deserialize<TuningResult>(lines[i], s_json)!;
                results._results[(result.Hash, result.What)] = result;
            }
            catch (JsonException e)
            {
                throw new BenchmarkException(ExitCode.Usage, $"tuning: {path}, line {i + 1} is not a result: {e.Message} Remove the line; its run is made again.");
            }
        }

        return results;
    }

    /// <summary>The result of a run, or null where it was not made yet.</summary>
    public TuningResult? Find(string hash, Measurement what) => _results.GetValueOrDefault((hash, what));

    /// <summary>Keeps a result.</summary>
    public void Add(TuningResult result)
    {
        _results[(result.Hash, result.What)] = result;
        File.AppendAllText(_path, JsonSerializer.Serialize(result, s_json) + "\n");
    }
}
