using System.Text.Json;
using Hieno.Schedules;

namespace Hieno.Training;

/// <summary>All that a run remembers beside weights and optimizer state. Order of the data, dropout and masks follow from the step alone.</summary>
public sealed record TrainingState
{
    /// <summary>Optimizer steps done.</summary>
    public long Step { get; init; }

    /// <summary>The best value of the watched metric, or null before the first evaluation.</summary>
    public double? BestValue { get; init; }

    /// <summary>The step it was reached at.</summary>
    public long BestStep { get; init; }

    /// <summary>Evaluations since then.</summary>
    public int BadEvaluations { get; init; }

    /// <summary>What a plateau schedule remembers, or null.</summary>
    public PlateauState? Plateau { get; init; }

    /// <summary>The names of the weights that learn at present, where that is chosen in the run (<see cref="GreenTrainer"/>); else null.</summary>
    public IReadOnlyList<string>? Learning { get; init; }

    /// <summary>Floating-point operations of all forward passes that were run for a gradient.</summary>
    public long ForwardFlops { get; init; }

    /// <summary>Floating-point operations of all backward passes.</summary>
    public long BackwardFlops { get; init; }

    /// <summary>Metrics of the base model on the test rows, measured before the first step.</summary>
    public IReadOnlyDictionary<string, double> Before { get; init; } = new Dictionary<string, double>(StringComparer.Ordinal);

    /// <summary>Time spent so far, in seconds.</summary>
    public double Seconds { get; init; }

    /// <summary>What recipe and data the run has: another one may not continue it.</summary>
    public required string Fingerprint { get; init; }

    /// <summary>As JSON.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, RunJson.Indented);

    /// <summary>From JSON.</summary>
    /// <exception cref="JsonException">It is not a state.</exception>
    public static TrainingState Parse(string json) => JsonSerializer.Deserialize<TrainingState>(json, RunJson.Indented) ?? throw new JsonException("The state is null.");
}
