using Hieno.Formats;
using Hieno.Models;
using Hieno.Models.Layers;
using Hieno.Models.Vision;
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

    private readonly PretrainedModel _model;
    private readonly FrozenPrefix? _prefix;
    private readonly FrozenFeatures? _features;
    private readonly int _memoryLimit;

    private FrozenCache(PretrainedModel model, int blocks, bool withoutDropout, int memoryLimit, Func<int, RowStore> store)
    {
        (_model, _memoryLimit) = (model, memoryLimit);
        if (model is VisionModel vision)
        {
            vision.Backbone.Frozen = _features = new FrozenFeatures(blocks, store) { WithoutDropout = withoutDropout };
        }
        else
        {
            ((TextModel)model).Backbone.Prefix = _prefix = new FrozenPrefix(blocks, store(model.Width)) { WithoutDropout = withoutDropout };
        }
    }

    private int Blocks => _prefix?.Blocks ?? _features!.Blocks;

    private bool HasDropout => _prefix?.HasDropout(((TextModel)_model).Backbone)
        ?? _features!.HasDropout(((VisionModel)_model).Backbone, ((VisionModel)_model).Family.InputOf(_model.Config));

    /// <summary>Sets it up for a run.</summary>
    /// <returns>Null where nothing is to be remembered.</returns>
    /// <exception cref="TrainingException">It was asked for, but there is nothing that stays the same.</exception>
    public static FrozenCache? Create(TunedModel tuned, IObjective objective, TrainingOptions options, string runFolder)
    {
        PretrainedModel model = tuned.Model;
        int lowest = tuned.Trainable.Min(parameter => parameter.Depth);
        int blocks = Math.Min(lowest - 1, model.Blocks.Count); // block i lies at depth i + 1
        string? obstacle = model is not (TextModel or VisionModel) ? $"a model of the kind '{model.Config.ModelType}' remembers nothing"
            : blocks < 1 ? "no block lies below the lowest weight that learns"
            : model.Modules().OfType<BatchNorm>().Any(norm => norm.ReadsBatch == true && norm.Gain.Depth <= blocks) ? "frozen layers normalise by the batch"
            : objective.ReadsRowsAsTheyAre ? null
            : model is VisionModel ? "'data.augment' changes the pictures in each pass" : "this task changes the tokens of its rows in each pass";
        if (options.CacheFrozen == FrozenCaching.On && obstacle is not null)
        {
            throw new TrainingException(ErrorCodes.RecipeValueOutOfRange, "training.cacheFrozen", $"there is nothing to remember: {obstacle}", "Take the setting out of the recipe");
        }

        return options.CacheFrozen == FrozenCaching.Off || obstacle is not null ? null : new FrozenCache(
            model, blocks, options.CacheFrozen == FrozenCaching.On, options.CacheMegabytes,
            width => new RowStore(width, (long)options.CacheMegabytes << 20, Path.Combine(runFolder, FileName), model.Backend));
    }

    /// <summary>What a user should know of it when the run begins.</summary>
    public string Announcement()
    {
        bool isText = _model is TextModel;
        string part = Blocks == _model.Blocks.Count ? "all blocks" : $"the first {Blocks} of {_model.Blocks.Count} blocks";
        string what = $"the {(isText ? "embeddings" : "stem")} and {part} are frozen: what they compute is remembered for each {(isText ? "row" : "picture")}, up to {_memoryLimit} MB in memory and the rest in the run folder";
        return !HasDropout ? what
            : _prefix?.WithoutDropout ?? _features!.WithoutDropout ? $"{what}; their dropout is off"
            : $"{what}; because of their dropout this serves evaluations only. 'training.cacheFrozen: on' turns it off for training too";
    }

    /// <summary>What it was good for, when the run ends.</summary>
    public string Summary()
    {
        (long computed, long reused, long bytes) = _prefix is { } rows ? (rows.Computed, rows.Reused, rows.Bytes) : (_features!.Computed, _features.Reused, _features.Bytes);
        return $"frozen layers ran for {computed} {(_prefix is null ? "pictures" : "rows")} and were spared for {reused}; {bytes >> 20} MB were remembered";
    }

    /// <summary>Has a model compute its frozen layers for once, until the result is disposed.</summary>
    public static Pause Suspend(PretrainedModel model)
    {
        var pause = new Pause(model);
        Set(model, null, null);
        return pause;
    }

    /// <summary>Forgets everything.</summary>
    public void Dispose()
    {
        Set(_model, null, null);
        _prefix?.Dispose();
        _features?.Dispose();
    }

    private static void Set(PretrainedModel model, FrozenPrefix? prefix, FrozenFeatures? features)
    {
        if (model is TextModel text)
        {
            text.Backbone.Prefix = prefix;
        }
        else if (model is VisionModel vision)
        {
            vision.Backbone.Frozen = features;
        }
    }

    /// <summary>A time in which nothing remembered is used.</summary>
    public readonly struct Pause(PretrainedModel model) : IDisposable
    {
        private readonly PretrainedModel _model = model;
        private readonly FrozenPrefix? _prefix = (model as TextModel)?.Backbone.Prefix;
        private readonly FrozenFeatures? _features = (model as VisionModel)?.Backbone.Frozen;

        /// <summary>What is remembered is used again.</summary>
        public void Dispose() => Set(_model, _prefix, _features);
    }
}
