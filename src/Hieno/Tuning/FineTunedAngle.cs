using System.ComponentModel.DataAnnotations;
using Hieno.Formats;
using Hieno.Models;

namespace Hieno.Tuning;

/// <summary>Which angles are chosen.</summary>
public enum AngleChoice
{
    /// <summary>What full tuning turned most.</summary>
    Largest,

    /// <summary>What full tuning turned least.</summary>
    Smallest,
}

/// <summary>Settings of <see cref="FineTunedAngle"/>.</summary>
public sealed record FineTunedAngleOptions : TuningOptions
{
    /// <summary>The folder of a fully fine-tuned model of the same base, by the recipe with 'tuning: full'. Default runs/full/final.</summary>
    [MinLength(1)]
    public string Tuned { get; init; } = "runs/full/final";

    /// <summary>Whether the largest or the smallest angles are chosen: try both, the source leaves it open. Default largest.</summary>
    public AngleChoice Select { get; init; } = AngleChoice.Largest;

    /// <summary>The most weights that may be chosen, as a share of all half-blocks' weights. Default 0.5.</summary>
    [Range(0.0, 1.0)]
    public double Budget { get; init; } = 0.5;

    /// <summary>Whether the norms of a chosen block learn too. Default true.</summary>
    public bool Norms { get; init; } = true;

    /// <summary>Whether the output layer learns as well. Default true; a new one always learns.</summary>
    public bool TrainHead { get; init; } = true;

    /// <inheritdoc/>
    public override ITuningMethod Create() => new FineTunedAngle(this);
}

/// <summary>
/// Partial tuning guided by an earlier full run: half-blocks are ranked by the angle between their weights before and after it, and as many as
/// the budget holds learn, from the pretrained weights again.
/// </summary>
/// <remarks>Ye et al. 2023, <see href="https://arxiv.org/abs/2312.15681"/>. Which end to choose from, and the budget, are Hieno's settings.</remarks>
public sealed class FineTunedAngle(FineTunedAngleOptions options) : ITuningMethod
{
    /// <inheritdoc/>
    public TunedModel Apply(PretrainedModel model, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(model);
        PretrainedModel tuned = model.LoadAlike(options.Tuned, seed);
        IReadOnlyList<WeightChange> changes = WeightChange.ByUnit(model, tuned);
        if (changes.Count == 0 || changes.All(change => change.MeanChange == 0))
        {
            string fact = changes.Count == 0 ? "has no half-block in common with the base model" : "has the very weights of the base model";
            throw new TuningException(ErrorCodes.TuningTargetUnknown, "angle", $"the model in '{options.Tuned}' {fact}", "Give the folder of a full fine-tuning of this base in 'tuning.tuned'");
        }

        HashSet<TuningUnit> chosen = Choose(changes, options.Select, options.Budget);
        return chosen.Count > 0
            ? Preset.Train(model, "angle", chosen, options.Norms, options.TrainHead)
            : throw new TuningException(ErrorCodes.TuningNothingTrains, "angle", FormattableString.Invariant($"a budget of {options.Budget} of the weights holds no half-block"), "Raise 'tuning.budget'");
    }

    /// <summary>Takes half-blocks in the order of their angles as long as the budget holds them; one that is too large for what is left is passed over.</summary>
    /// <param name="changes">The changes by half-block.</param>
    /// <param name="select">Largest or smallest first; half-blocks that did not move are never chosen.</param>
    /// <param name="budget">The share of all half-blocks' weights that may be chosen.</param>
    public static HashSet<TuningUnit> Choose(IReadOnlyList<WeightChange> changes, AngleChoice select, double budget)
    {
        ArgumentNullException.ThrowIfNull(changes);
        double left = budget * changes.Sum(change => change.Count);
        IEnumerable<WeightChange> moved = changes.Where(change => change.MeanChange > 0);
        var chosen = new HashSet<TuningUnit>();
        foreach (WeightChange change in select == AngleChoice.Largest ? moved.OrderByDescending(change => change.Angle) : moved.OrderBy(change => change.Angle))
        {
            if (change.Count <= left && TuningUnit.TryParse(change.Name, out TuningUnit unit))
            {
                left -= change.Count;
                chosen.Add(unit);
            }
        }

        return chosen;
    }
}
