using System.Text.Json;
using System.Text.Json.Serialization;

namespace Hieno.Training;

/// <summary>Something that happened in a run. Console, run folder, dashboard and your own code all read the same events.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "event")]
[JsonDerivedType(typeof(RunStarted), "started")]
[JsonDerivedType(typeof(LogMessage), "log")]
[JsonDerivedType(typeof(RunWarning), "warning")]
[JsonDerivedType(typeof(StepCompleted), "step")]
[JsonDerivedType(typeof(Evaluated), "evaluated")]
[JsonDerivedType(typeof(CheckpointSaved), "checkpoint")]
[JsonDerivedType(typeof(RunCompleted), "completed")]
[JsonDerivedType(typeof(RunFailed), "failed")]
public abstract record TrainingEvent
{
    /// <summary>When it happened.</summary>
    public DateTimeOffset Time { get; init; }

    /// <summary>As one line of JSON, its kind under <c>event</c>: what <c>events.jsonl</c> holds.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, RunJson.Line);
}

/// <summary>Training begins, or goes on from a checkpoint.</summary>
/// <param name="TrainableWeights">How many numbers learn.</param>
/// <param name="TotalWeights">How many numbers there are.</param>
/// <param name="TrainingRows">Rows to train on.</param>
/// <param name="TotalSteps">Optimizer steps of the whole run.</param>
/// <param name="FirstStep">The step it begins with: 0, or where a checkpoint left off.</param>
public sealed record RunStarted(long TrainableWeights, long TotalWeights, int TrainingRows, long TotalSteps, long FirstStep) : TrainingEvent;

/// <summary>Something a user should know.</summary>
/// <param name="Text">What.</param>
public sealed record LogMessage(string Text) : TrainingEvent;

/// <summary>Something about the run that usually ends badly, told before the first step. It does not stop the run.</summary>
/// <param name="Id">Its name, e.g. <c>random-head</c>: docs/warnings.md describes it, and <c>silence:</c> in a recipe turns it off.</param>
/// <param name="Text">What is wrong, and what to do.</param>
public sealed record RunWarning(string Id, string Text) : TrainingEvent;

/// <summary>The optimizer has stepped.</summary>
/// <param name="Step">Steps done.</param>
/// <param name="TotalSteps">Steps of the whole run.</param>
/// <param name="Epoch">Passes over the training rows done, with their fraction.</param>
/// <param name="Loss">Mean loss of this step's targets.</param>
/// <param name="LearningRate">The rate of this step.</param>
/// <param name="GradientNorm">Overall norm of the gradient before it was clipped.</param>
/// <param name="Tokens">Tokens read in this step.</param>
/// <param name="TokensPerSecond">Tokens read in a second.</param>
/// <param name="SecondsLeft">Estimated time to the end of training.</param>
/// <param name="MemoryBytes">The most memory that steps have used so far.</param>
public sealed record StepCompleted(
    long Step,
    long TotalSteps,
    double Epoch,
    double Loss,
    double LearningRate,
    double GradientNorm,
    long Tokens,
    double TokensPerSecond,
    double SecondsLeft,
    long MemoryBytes) : TrainingEvent
{
    /// <summary>What <see cref="Tokens"/> counts where it is not tokens: <c>pictures</c>. Null (default) for tokens.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Unit { get; init; }
}

/// <summary>The model was measured.</summary>
/// <param name="Step">Steps done.</param>
/// <param name="Split">The rows it was measured on: validation, or test.</param>
/// <param name="Metrics">Values by name.</param>
/// <param name="IsBest">True when the watched metric is the best so far.</param>
public sealed record Evaluated(long Step, string Split, IReadOnlyDictionary<string, double> Metrics, bool IsBest) : TrainingEvent;

/// <summary>A checkpoint is safely on the disk.</summary>
/// <param name="Step">Steps done.</param>
/// <param name="Folder">Where.</param>
public sealed record CheckpointSaved(long Step, string Folder) : TrainingEvent;

/// <summary>Why a run ended.</summary>
public enum RunOutcome
{
    /// <summary>All steps were done.</summary>
    Completed,

    /// <summary>The watched metric no longer improved.</summary>
    StoppedEarly,

    /// <summary>Cancelled; the last checkpoint can be resumed.</summary>
    Cancelled,
}

/// <summary>The run has ended.</summary>
/// <param name="Outcome">Why.</param>
/// <param name="Step">Steps done.</param>
/// <param name="Folder">Where the tuned model lies, or the run folder after a cancellation.</param>
/// <param name="Before">Metrics of the base model on the test rows; empty where there are none.</param>
/// <param name="After">Metrics of the tuned model on the same rows.</param>
/// <param name="Seconds">Time spent training, evaluations included.</param>
public sealed record RunCompleted(
    RunOutcome Outcome,
    long Step,
    string Folder,
    IReadOnlyDictionary<string, double> Before,
    IReadOnlyDictionary<string, double> After,
    double Seconds) : TrainingEvent;

/// <summary>The run has ended with an error, which its caller is thrown as well.</summary>
/// <param name="Code">The error's code, e.g. <c>HN1701</c>; null where it is no error that a user can cause.</param>
/// <param name="Error">What happened, and what to do about it.</param>
public sealed record RunFailed(string? Code, string Error) : TrainingEvent;
