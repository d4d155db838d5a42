using System.ComponentModel.DataAnnotations;
using Hieno.Formats;
using Hieno.Models;
using Hieno.Optimizers;
using Hieno.Tensors;

namespace Hieno.Training;

/// <summary>Settings of <see cref="Lisa"/>: under <c>training.lisa</c> of a recipe.</summary>
public sealed record LisaOptions
{
    /// <summary>γ: blocks that learn at a time. Default 2.</summary>
    [Range(1, 10_000)]
    public int Layers { get; init; } = 2;

    /// <summary>K: steps after which others are drawn. Default 20.</summary>
    [Range(1, int.MaxValue)]
    public int EverySteps { get; init; } = 20;

    /// <summary>Keeps the optimizer state of blocks that rest, which then goes on when they learn again, and costs the memory. Default false: it is dropped.</summary>
    public bool KeepState { get; init; }
}

/// <summary>Tables, final norm and head learn always; of the blocks between them a few learn at a time, drawn anew every so many steps.</summary>
/// <remarks>
/// Pan et al. 2024, <see href="https://arxiv.org/abs/2403.17919"/>, algorithm 1: layerwise importance sampled AdamW, with the same probability for each block. The paper does not say what
/// becomes of the state of a block that rests; dropping it, which is what saves memory, is Hieno's choice. A block that is drawn twice in a row keeps it. What learns follows from the seed and the step alone, so that
/// a resumed run goes on bit for bit.
/// </remarks>
internal sealed class Lisa
{
    private readonly LisaOptions _options;
    private readonly IReadOnlyList<Parameter> _parameters;
    private readonly IOptimizer _optimizer;
    private readonly Rng _rng;
    private readonly int[] _depths; // of the blocks that are drawn from
    private long _period = -1;

    /// <summary>Over all weights that the method trains.</summary>
    /// <param name="options">The settings.</param>
    /// <param name="parameters">The weights.</param>
    /// <param name="blocks">Blocks of the model.</param>
    /// <param name="optimizer">Whose state of resting blocks is dropped.</param>
    /// <param name="seed">The run's seed.</param>
    /// <exception cref="TrainingException">There are no more blocks to draw from than are to learn at a time.</exception>
    public Lisa(LisaOptions options, IReadOnlyList<Parameter> parameters, int blocks, IOptimizer optimizer, ulong seed)
    {
        (_options, _parameters, _optimizer, _rng) = (options, parameters, optimizer, new Rng(seed, RngStream.Layers));
        _depths = [.. parameters.Select(parameter => parameter.Depth).Where(depth => depth >= 1 && depth <= blocks).Distinct().Order()];
        if (_depths.Length <= options.Layers)
        {
            throw new TrainingException(
                ErrorCodes.RecipeValueOutOfRange, "training.lisa.layers", $"{options.Layers} blocks are to learn at a time, but the method trains only {_depths.Length}", "Lower it, or take 'training.lisa' out of the recipe");
        }
    }

    /// <summary>Lets those blocks learn that are drawn for this step.</summary>
    /// <param name="step">Steps done.</param>
    /// <returns>What to tell the user at the beginning, later null.</returns>
    public string? Turn(long step)
    {
        long period = step / _options.EverySteps;
        if (period == _period)
        {
            return null;
        }

        bool isFirst = _period < 0;
        _period = period;
        HashSet<int> learning = [.. _rng.Permutation(_depths.Length, (ulong)period).Take(_options.Layers).Select(i => _depths[i])];
        foreach (Parameter parameter in _parameters)
        {
            parameter.Trainable = learning.Contains(parameter.Depth) || !_depths.Contains(parameter.Depth);
            if (!parameter.Trainable && !_options.KeepState)
            {
                _optimizer.Forget(parameter);
            }
        }

        long count = _parameters.Where(parameter => parameter.Trainable).Sum(parameter => parameter.Count);
        return isFirst ? FormattableString.Invariant($"{_options.Layers} of {_depths.Length} blocks learn at a time, drawn anew every {_options.EverySteps} steps; now {count:N0} weights") : null;
    }
}
