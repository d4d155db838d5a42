using Hieno.Formats;
using Hieno.Models;
using Hieno.Objectives;
using Hieno.Tuning;

namespace Hieno.Training;

/// <summary>Whether what frozen layers compute is remembered.</summary>
public enum FrozenCaching
{
    /// <summary>Where it changes nothing: the frozen layers have no dropout, and rows are read as they are. Evaluations always remember.</summary>
    Auto,

    /// <summary>Always; dropout of the frozen layers is left out.</summary>
    On,

    /// <summary>Never.</summary>
    Off,
}

/// <summary>Finds out which layers lie below all that learns, and has what they compute remembered for the time of a run.</summary>
internal sealed class FrozenCache : IDisposable
{
    /// <summary>The file for what does not fit in memory, in the run folder.</summary>
    public const string FileName = ".tmp-frozen-rows";

    private readonly Backbone _backbone;
    private readonly FrozenPrefix _prefix;
    private readonly int _memoryLimit;

    private FrozenCache(Backbone backbone, FrozenPrefix prefix, int memoryLimit)
    {
        (_backbone, _prefix, _memoryLimit) = (backbone, prefix, memoryLimit);
        backbone.Prefix = prefix;
    }

    /// <summary>Sets it up for a run.</summary>
    /// <returns>Null where nothing is to be remembered.</returns>
    /// <exception cref="TrainingException">It was asked for, but there is nothing that stays the same.</exception>
    public static FrozenCache? Create(TunedModel tuned, IObjective objective, TrainingOptions options, string runFolder)
    {
        if (tuned.Model is not TextModel { Backbone: var backbone })
        {
            return null;
        }

        int lowest = tuned.Trainable.Min(parameter => parameter.Depth);
        int blocks = Math.Min(lowest - 1, backbone.Blocks.Count); // block i lies at depth i + 1
        string? obstacle = blocks < 1 ? "no block lies below the lowest weight that learns"
            : !objective.ReadsRowsAsTheyAre ? "this task changes the tokens of its rows in each pass"
            : null;
        if (options.CacheFrozen == FrozenCaching.On && obstacle is not null)
        {
            throw new TrainingException(ErrorCodes.RecipeValueOutOfRange, "training.cacheFrozen", $"there is nothing to remember: {obstacle}", "Take the setting out of the recipe");
        }

        if (options.CacheFrozen == FrozenCaching.Off || obstacle is not null)
        {
            return null;
        }

        var store = new RowStore(
            backbone.Width, (long)options.CacheMegabytes << 20, Path.Combine(runFolder, FileName), backbone.TokenTable.Value.Backend);
        var prefix = new FrozenPrefix(blocks, store) { WithoutDropout = options.CacheFrozen == FrozenCaching.On };
        return new FrozenCache(backbone, prefix, options.CacheMegabytes);
    }

    /// <summary>What a user should know of it when the run begins.</summary>
    public string Announcement()
    {
        string part = _prefix.Blocks == _backbone.Blocks.Count ? "all blocks" : $"the first {_prefix.Blocks} of {_backbone.Blocks.Count} blocks";
        string what = $"the embeddings and {part} are frozen: what they compute is remembered for each row, up to {_memoryLimit} MB in memory and the rest in the run folder";
        return !_prefix.HasDropout(_backbone) ? what
            : _prefix.WithoutDropout ? $"{what}; their dropout is off"
            : $"{what}; because of their dropout this serves evaluations only. 'training.cacheFrozen: on' turns it off for training too";
    }

    /// <summary>What it was good for, when the run ends.</summary>
    public string Summary() =>
        $"frozen layers ran for {_prefix.Computed} rows and were spared for {_prefix.Reused}; {_prefix.Bytes >> 20} MB were remembered";

    /// <summary>Has a model compute its frozen layers for once, until the result is disposed.</summary>
    public static Pause Suspend(PretrainedModel model)
    {
        if (model is not TextModel { Backbone: var backbone })
        {
            return default;
        }

        var pause = new Pause(backbone, backbone.Prefix);
        backbone.Prefix = null;
        return pause;
    }

    /// <summary>A time in which nothing remembered is used.</summary>
    public readonly struct Pause(Backbone backbone, FrozenPrefix? prefix) : IDisposable
    {
        /// <summary>What is remembered is used again.</summary>
        public void Dispose()
        {
            if (backbone is not null)
            {
                backbone.Prefix = prefix;
            }
        }
    }

    /// <summary>Forgets everything.</summary>
    public void Dispose()
    {
        _backbone.Prefix = null;
        _prefix.Dispose();
    }
}
