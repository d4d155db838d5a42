using System.ComponentModel.DataAnnotations;
using Hieno.Optimizers;
using Hieno.Recipes;
using Hieno.Schedules;
using Hieno.Tensors;

namespace Hieno.Training;

/// <summary>How it is learned: the settings under <c>training:</c> of a recipe.</summary>
public sealed record TrainingOptions : IValidated
{
    /// <summary>Passes over the training rows. Default 3.</summary>
    [Range(1, 100_000)]
    public int Epochs { get; init; } = 3;

    /// <summary>Ends after this many optimizer steps, whatever the epochs say. Default: no limit.</summary>
    [Range(1, int.MaxValue)]
    public int? MaxSteps { get; init; }

    /// <summary>Rows (or packs of rows) that go through the model together. Default 8.</summary>
    [Range(1, 1_000_000)]
    public int BatchSize { get; init; } = 8;

    /// <summary>Batches whose gradients are added before the optimizer steps. Default 1.</summary>
    [Range(1, 1_000_000)]
    public int Accumulation { get; init; } = 1;

    /// <summary>The highest learning rate. Default with adamw: 2e-5 for full and partial tuning, 2e-4 for adapters, 1e-3 for the head alone; other optimizers multiply that.</summary>
    [Range(1e-12, 1e3)]
    public double? LearningRate { get; init; }

    /// <summary>How the learning rate changes: constant, linear, cosine, wsd, inverse-sqrt, polynomial, plateau, … Default linear.</summary>
    public ScheduleOptions Schedule { get; init; } = new LinearScheduleOptions();

    /// <summary>Steps over which the rate rises from 0. Default: see warmupRatio.</summary>
    [Range(0, int.MaxValue)]
    public int? WarmupSteps { get; init; }

    /// <summary>Share of the steps over which the rate rises from 0. Default 0.</summary>
    [Range(0.0, 1.0)]
    public double WarmupRatio { get; init; }

    /// <summary>How weights are changed: adamw, sgd, lion, adafactor, adamw-8bit, … Default adamw.</summary>
    public OptimizerOptions Optimizer { get; init; } = new AdamWOptions();

    /// <summary>Gradients of a larger overall norm are scaled down to this one; 0 turns that off. Default 1.</summary>
    [Range(0.0, 1e6)]
    public double ClipNorm { get; init; } = 1;

    /// <summary>Each block down from the top learns this much slower (Clark et al. 2020). Default 1: all alike.</summary>
    [Range(0.01, 1.0)]
    public double LayerDecay { get; init; } = 1;

    /// <summary>The output layer's learning rate is this many times higher. Default 1.</summary>
    [Range(0.001, 1e4)]
    public double HeadFactor { get; init; } = 1;

    /// <summary>Weights by name that learn faster or slower: patterns with a factor each. Default: none.</summary>
    public IReadOnlyList<RateRule> Rates { get; init; } = [];

    /// <summary>Lets only the top layer learn at first, and one more each epoch (gradual unfreezing). Default: off.</summary>
    public UnfreezeOptions? Unfreeze { get; init; }

    /// <summary>Lets only those weights learn in each epoch that gain most within a budget of computation (GreenTrainer). Default: off.</summary>
    public GreenTrainerOptions? GreenTrainer { get; init; }

    /// <summary>Lets a few blocks at a time learn, drawn anew every so many steps (LISA). Default: off.</summary>
    public LisaOptions? Lisa { get; init; }

    /// <summary>Fits the output layer to the frozen body's features before the first step (LP-FT). Default: off.</summary>
    public ProbeOptions? Probe { get; init; }

    /// <summary>Keeps weights near their first values (L2-SP, decay towards the start). Default: off.</summary>
    public PullToStartOptions? PullToStart { get; init; }

    /// <summary>Overrides every dropout rate of the model's configuration. Default: as the model says.</summary>
    [Range(0.0, 0.95)]
    public double? Dropout { get; init; }

    /// <summary>Evaluates on the validation rows every n steps. Default: once each epoch.</summary>
    [Range(1, int.MaxValue)]
    public int? EvaluateEvery { get; init; }

    /// <summary>Stops when the watched metric no longer improves, and goes back to the best weights. Default: off.</summary>
    public EarlyStoppingOptions? EarlyStopping { get; init; }

    /// <summary>Saves a checkpoint every n steps. Default: once each epoch.</summary>
    [Range(1, int.MaxValue)]
    public int? CheckpointEvery { get; init; }

    /// <summary>How many checkpoints are kept. Default 2, the fewest that are safe.</summary>
    [Range(2, 10_000)]
    public int KeepCheckpoints { get; init; } = 2;

    /// <summary>How the operands of matrix products are rounded: fp32, bf16. Weights, sums and the optimizer stay 32-bit. Default fp32: not at all.</summary>
    public MatMulPrecision Precision { get; init; }

    /// <summary>Keeps only each block's input and computes the block again in the backward pass: slower, far less memory. Default false.</summary>
    public bool GradientCheckpointing { get; init; }

    /// <summary>
    /// With gradientCheckpointing, how many blocks are kept and computed again together; the topmost are not computed again. 0: the root of their
    /// number. Default 1: each block by itself, which needs the least memory.
    /// </summary>
    [Range(0, 10_000)]
    public int? CheckpointSpan { get; init; }

    /// <summary>
    /// Remembers what frozen layers below all that learns compute for each row, so that they run once and not in each pass: auto (where it
    /// changes no result), on (leaves their dropout out), off. Default auto.
    /// </summary>
    public FrozenCaching CacheFrozen { get; init; } = FrozenCaching.Auto;

    /// <summary>How much of that is kept in memory, in megabytes; the rest lies in a file in the run folder. Default 1024.</summary>
    [Range(0, 1_000_000)]
    public int CacheMegabytes { get; init; } = 1024;

    /// <summary>
    /// Steps each weight within the backward pass, as soon as its gradient is complete, so that gradients are never in memory together: the same
    /// weights for less memory. It needs 'clipNorm: 0' and 'accumulation: 1', for both look at all gradients of a step. Default false.
    /// </summary>
    public bool StepInBackward { get; init; }

    /// <inheritdoc/>
    public IEnumerable<string> Validate()
    {
        if (StepInBackward && (ClipNorm > 0 || Accumulation > 1 || PullToStart is not null))
        {
            string needing = ClipNorm > 0 ? "'clipNorm'" : Accumulation > 1 ? "'accumulation'" : "'pullToStart'";
            yield return $"'stepInBackward' gives each gradient back before the next is complete, but {needing} needs them together. {(ClipNorm > 0 ? "Set 'clipNorm: 0'" : "Remove one of them")}";
        }

        if (WarmupSteps is not null && WarmupRatio > 0)
        {
            yield return "'warmupSteps' and 'warmupRatio' say the same thing twice. Give one of them";
        }

        if (CheckpointSpan is not null && !GradientCheckpointing)
        {
            yield return "'checkpointSpan' is of use with gradient checkpointing only. Set 'gradientCheckpointing: true', or leave it out";
        }

        if (GreenTrainer is not null && Unfreeze is not null)
        {
            yield return "'greenTrainer' and 'unfreeze' both choose what learns. Give one of them";
        }

        if (Lisa is not null && (Unfreeze is not null || GreenTrainer is not null))
        {
            yield return "'lisa' lies beside 'unfreeze' or 'greenTrainer', which choose what learns as well. Give one of them";
        }
    }
}

/// <summary>When to stop early.</summary>
public sealed record EarlyStoppingOptions
{
    /// <summary>Evaluations without improvement that are tolerated. Default 3.</summary>
    [Range(1, 100_000)]
    public int Patience { get; init; } = 3;

    /// <summary>The least change that counts as an improvement. Default 0.</summary>
    [Range(0.0, 1e6)]
    public double MinDelta { get; init; }

    /// <summary>The metric that is watched, e.g. loss, accuracy, macro-f1. Default: the task's usual one.</summary>
    public string? Metric { get; init; }
}
