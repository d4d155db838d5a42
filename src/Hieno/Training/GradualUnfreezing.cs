using System.ComponentModel.DataAnnotations;
using Hieno.Models;

namespace Hieno.Training;

/// <summary>Settings of <see cref="GradualUnfreezing"/>: under <c>training.unfreeze</c> of a recipe.</summary>
public sealed record UnfreezeOptions
{
    /// <summary>Steps after which the next layers begin to learn. Default: an epoch.</summary>
    [Range(1, int.MaxValue)]
    public int? EverySteps { get; init; }

    /// <summary>How many layers begin to learn at a time. Default 1.</summary>
    [Range(1, 10_000)]
    public int Layers { get; init; } = 1;
}

/// <summary>At first only the top layer learns; then, stage by stage, those below it join in.</summary>
/// <remarks>
/// Howard and Ruder 2018, <see href="https://arxiv.org/abs/1801.06146"/>, section 3.3. A layer is a depth of <see cref="Parameter.Depth"/>: the head with the
/// final norm, each block, the tables; depths at which the method trains nothing are no stage. A weight's optimizer state begins with its
/// first step, that of the others goes on. What learns follows from the step alone, so that a resumed run goes on bit for bit.
/// </remarks>
internal sealed class GradualUnfreezing
{
    private readonly IReadOnlyList<Parameter> _parameters;
    private readonly int[] _depths; // highest first
    private readonly long _stage;
    private readonly int _layers;
    private int _learning = -1;

    /// <summary>Over all weights that learn in the end.</summary>
    /// <param name="options">The settings.</param>
    /// <param name="parameters">The weights.</param>
    /// <param name="stepsPerEpoch">Steps of an epoch.</param>
    public GradualUnfreezing(UnfreezeOptions options, IReadOnlyList<Parameter> parameters, long stepsPerEpoch)
    {
        (_parameters, _stage, _layers) = (parameters, options.EverySteps ?? stepsPerEpoch, options.Layers);
        _depths = [.. parameters.Select(parameter => parameter.Depth).Distinct().OrderDescending()];
    }

    /// <summary>Lets those weights learn that have their turn.</summary>
    /// <param name="step">Steps done.</param>
    /// <returns>What to tell the user, or null where nothing changes.</returns>
    public string? Turn(long step)
    {
        int learning = (int)Math.Min(_depths.Length, 1 + (step / _stage * _layers));
        if (learning == _learning)
        {
            return null;
        }

        _learning = learning;
        int lowest = _depths[learning - 1];
        foreach (Parameter parameter in _parameters)
        {
            parameter.Trainable = parameter.Depth >= lowest;
        }

        long count = _parameters.Where(parameter => parameter.Trainable).Sum(parameter => parameter.Count);
        return FormattableString.Invariant($"from step {step + 1} on {learning} of {_depths.Length} layers learn, {count:N0} weights");
    }
}
