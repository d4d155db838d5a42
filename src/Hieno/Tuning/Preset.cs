using System.ComponentModel.DataAnnotations;
using Hieno.Formats;
using Hieno.Models;
using Hieno.Recipes;

namespace Hieno.Tuning;

/// <summary>Ready-made choices of half-blocks.</summary>
public enum PresetLayout
{
    /// <summary>The feed-forward layers of all blocks.</summary>
    Ffn,

    /// <summary>The attention layers of all blocks.</summary>
    Attention,

    /// <summary>The lower half of the blocks.</summary>
    FirstHalf,

    /// <summary>The upper half of the blocks.</summary>
    LastHalf,

    /// <summary>Attention in the lower half, feed-forward in the upper.</summary>
    AttentionThenFfn,

    /// <summary>Feed-forward in the lower half, attention in the upper.</summary>
    FfnThenAttention,

    /// <summary>Every second block, the top one among them.</summary>
    Alternating,

    /// <summary>The lowest and the highest quarter of the blocks.</summary>
    Sandwich,

    /// <summary>The highest blocks, as many as <c>blocks</c> says.</summary>
    Last,
}

/// <summary>Settings of <see cref="Preset"/>: a layout, or a list of half-blocks.</summary>
public sealed record PresetOptions : TuningOptions, IValidated
{
    /// <summary>Which half-blocks learn: ffn, attention, first-half, last-half, attention-then-ffn, ffn-then-attention, alternating, sandwich, last. Default ffn, unless units are given.</summary>
    public PresetLayout? Layout { get; init; }

    /// <summary>The half-blocks that learn, by name, counted from 0: attention.3, ffn.0. Default: none, the layout decides.</summary>
    public IReadOnlyList<string> Units { get; init; } = [];

    /// <summary>How many blocks the layout 'last' takes. Default 1.</summary>
    [Range(1, 10_000)]
    public int Blocks { get; init; } = 1;

    /// <summary>Whether the norms of a block learn with any of its halves, and the final norm with the top block. Default true.</summary>
    public bool Norms { get; init; } = true;

    /// <summary>Whether the output layer learns as well. Default true; a new one always learns.</summary>
    public bool TrainHead { get; init; } = true;

    /// <inheritdoc/>
    public override ITuningMethod Create() => new Preset(this);

    /// <inheritdoc/>
    public IEnumerable<string> Validate()
    {
        if (Layout is not null && Units.Count > 0)
        {
            yield return "'layout' and 'units' say the same thing twice. Give one of them";
        }

        foreach (string unit in Units.Where(unit => !TuningUnit.TryParse(unit, out _)))
        {
            yield return $"'{unit}' in 'units' names no half-block. Write attention.0, ffn.3 and the like";
        }
    }
}

/// <summary>Partial tuning by half-blocks (attention, feed-forward), the same words for every family.</summary>
/// <remarks>The eight layouts follow the comparison of Ye et al. 2023, <see href="https://arxiv.org/abs/2312.15681"/>; the exact list is Hieno's.</remarks>
public sealed class Preset(PresetOptions options) : ITuningMethod
{
    /// <inheritdoc/>
    public TunedModel Apply(PretrainedModel model, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(model);
        int blocks = model.Blocks.Count;
        HashSet<TuningUnit> there = [.. model.Parameters().Select(TuningUnit.Of).OfType<TuningUnit>()];
        HashSet<TuningUnit> chosen = options.Units.Count > 0 ? Named(there, blocks) : [.. there.Where(unit => IsIn(options.Layout ?? PresetLayout.Ffn, unit, blocks))];
        return Train(model, "preset", chosen, options.Norms, options.TrainHead);
    }

    /// <summary>Lets the chosen half-blocks learn, with the norms of their blocks if wanted.</summary>
    internal static TunedModel Train(PretrainedModel model, string who, HashSet<TuningUnit> chosen, bool norms, bool trainHead)
    {
        int blocks = model.Blocks.Count;
        HashSet<int> depths = [.. chosen.Select(unit => unit.Block + 1)];
        if (depths.Contains(blocks))
        {
            depths.Add(blocks + 1); // the final norm reads what the top block writes
        }

        return ChosenWeights.Train(
            model, who,
            parameter => parameter.Kind == ParameterKind.Norm ? norms && depths.Contains(parameter.Depth) : TuningUnit.Of(parameter) is { } unit && chosen.Contains(unit),
            trainHead, "Choose a layout, or units that this model has; 'hieno inspect' lists its weights");
    }

    private bool IsIn(PresetLayout layout, TuningUnit unit, int blocks)
    {
        // With an odd number of blocks the upper half is the larger one: upper blocks carry more of a task.
        bool lower = unit.Block < blocks / 2;
        bool attention = unit.Kind == ParameterKind.Attention;
        int quarter = Math.Max(1, blocks / 4);
        return layout switch
        {
            PresetLayout.Ffn => !attention,
            PresetLayout.Attention => attention,
            PresetLayout.FirstHalf => lower,
            PresetLayout.LastHalf => !lower,
            PresetLayout.AttentionThenFfn => attention == lower,
            PresetLayout.FfnThenAttention => attention != lower,
            PresetLayout.Alternating => (blocks - 1 - unit.Block) % 2 == 0,
            PresetLayout.Sandwich => unit.Block < quarter || unit.Block >= blocks - quarter,
            _ => unit.Block >= blocks - options.Blocks,
        };
    }

    private HashSet<TuningUnit> Named(HashSet<TuningUnit> there, int blocks)
    {
        var chosen = new HashSet<TuningUnit>();
        foreach (string name in options.Units)
        {
            if (!TuningUnit.TryParse(name, out TuningUnit unit) || !there.Contains(unit))
            {
                throw new TuningException(ErrorCodes.TuningTargetUnknown, "preset", $"this model has no half-block '{name}'; its blocks are 0 to {blocks - 1}", "Give attention.N or ffn.N");
            }

            chosen.Add(unit);
        }

        return chosen;
    }
}
