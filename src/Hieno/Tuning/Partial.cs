using System.ComponentModel.DataAnnotations;
using System.IO.Enumeration;
using Hieno.Formats;
using Hieno.Models;
using Hieno.Recipes;

namespace Hieno.Tuning;

/// <summary>A part of a network that partial tuning can choose.</summary>
public enum TuningPart
{
    /// <summary>Query, key, value and output projections.</summary>
    Attention,

    /// <summary>Feed-forward layers.</summary>
    Ffn,

    /// <summary>Gains and offsets of normalisation layers.</summary>
    Norm,

    /// <summary>All offsets (BitFit, Ben Zaken et al. 2021).</summary>
    Bias,

    /// <summary>Token, position and type tables.</summary>
    Embedding,

    /// <summary>The output layer.</summary>
    Head,
}

/// <summary>Settings of <see cref="Partial"/>. A weight learns when it lies in a chosen block and a chosen part, or matches a name; the head learns too unless told otherwise.</summary>
public sealed record PartialOptions : TuningOptions, IValidated
{
    /// <summary>Only the last k blocks learn (and the final norm). Default: all blocks.</summary>
    [Range(0, 10_000)]
    public int? LastBlocks { get; init; }

    /// <summary>Only the first k blocks learn (and the embeddings). Default: all blocks.</summary>
    [Range(0, 10_000)]
    public int? FirstBlocks { get; init; }

    /// <summary>The first k blocks and the embeddings stay frozen. Default: none.</summary>
    [Range(0, 10_000)]
    public int? FreezeFirst { get; init; }

    /// <summary>Only these parts learn: attention, ffn, norm, bias, embedding, head. Default: all parts of the chosen blocks.</summary>
    public IReadOnlyList<TuningPart> Parts { get; init; } = [];

    /// <summary>Weights whose names match one of these patterns learn as well; * stands for any text. Default: none.</summary>
    public IReadOnlyList<string> Names { get; init; } = [];

    /// <summary>Weights whose names match one of these patterns stay frozen whatever else is chosen. Default: none.</summary>
    public IReadOnlyList<string> Freeze { get; init; } = [];

    /// <summary>Whether the output layer learns as well. Default: true; a new one always learns.</summary>
    public bool TrainHead { get; init; } = true;

    /// <inheritdoc/>
    public override ITuningMethod Create() => new Partial(this);

    /// <inheritdoc/>
    public IEnumerable<string> Validate()
    {
        if (FirstBlocks is not null && (LastBlocks is not null || FreezeFirst is not null))
        {
            yield return $"'firstBlocks' and '{(LastBlocks is not null ? "lastBlocks" : "freezeFirst")}' exclude each other. Give one of them.";
        }
    }
}

/// <summary>Partial fine-tuning: some blocks, some parts, or weights by name.</summary>
/// <remarks>Which layers to choose: Ye et al. 2023, <see href="https://arxiv.org/abs/2312.15681"/>; offsets only: Ben Zaken et al. 2021, <see href="https://arxiv.org/abs/2106.10199"/>.</remarks>
public sealed class Partial(PartialOptions options) : ITuningMethod
{
    /// <inheritdoc/>
    public TunedModel Apply(PretrainedModel model, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(model);
        CheckBlocks(model.Blocks.Count);
        CheckPatterns(model);
        CheckParts(model);
        TunedModel.FreezeAllButNew(model);
        foreach (Parameter parameter in model.Parameters())
        {
            bool isHead = parameter.Kind == ParameterKind.Head && options.TrainHead;
            bool chosen = isHead || Chooses(parameter, model) || Matches(options.Names, parameter.Name);
            parameter.Trainable = (parameter.Trainable || chosen) && !Matches(options.Freeze, parameter.Name);
        }

        var tuned = new TunedModel(model);
        return tuned.TrainableCount > 0
            ? tuned
            : throw new TuningException(ErrorCodes.TuningNothingTrains, "partial", "the settings choose no weight at all", "Choose blocks, parts or names that this model has; 'hieno inspect' lists them");
    }

    // Names alone choose nothing else; without any choice all weights but the head's, which has a setting of its own, are chosen.
    private bool Chooses(Parameter parameter, PretrainedModel model)
    {
        bool choosesDepth = options.LastBlocks is not null || options.FirstBlocks is not null || options.FreezeFirst is not null;
        return options.Parts.Count > 0 ? InDepth(parameter, model) && options.Parts.Any(part => IsOf(parameter, part))
            : parameter.Kind != ParameterKind.Head && (choosesDepth ? InDepth(parameter, model) : options.Names.Count == 0);
    }

    private static bool Matches(IReadOnlyList<string> patterns, string name) =>
        patterns.Any(pattern => FileSystemName.MatchesSimpleExpression(pattern, name, ignoreCase: false));

    private bool InDepth(Parameter parameter, PretrainedModel model) =>
        (options.LastBlocks is not { } last || parameter.Depth > model.Blocks.Count - last)
        && (options.FirstBlocks is not { } first || parameter.Depth <= first)
        && (options.FreezeFirst is not { } frozen || parameter.Depth > frozen);

    private static bool IsOf(Parameter parameter, TuningPart part) => part switch
    {
        TuningPart.Attention => parameter.Kind == ParameterKind.Attention,
        TuningPart.Ffn => parameter.Kind == ParameterKind.FeedForward,
        TuningPart.Norm => parameter.Kind == ParameterKind.Norm,
        TuningPart.Bias => parameter.IsBias,
        TuningPart.Embedding => parameter.Kind == ParameterKind.Embedding,
        _ => parameter.Kind == ParameterKind.Head,
    };

    // A part that chooses nothing would go unnoticed, because the head learns beside it.
    private void CheckParts(PretrainedModel model)
    {
        foreach (TuningPart part in options.Parts)
        {
            if (!model.Parameters().Any(parameter => IsOf(parameter, part) && (part == TuningPart.Head || InDepth(parameter, model))))
            {
                string name = part.ToString().ToLowerInvariant();
                string advice = part == TuningPart.Head ? "It shares the token table: choose 'embedding' instead" : "Take it out of 'tuning.parts', or choose other blocks";
                throw new TuningException(ErrorCodes.TuningNothingTrains, "partial", $"the chosen blocks of this model have no weight of the part '{name}'", advice);
            }
        }
    }

    private void CheckBlocks(int blocks)
    {
        foreach ((string name, int? count) in new[] { ("lastBlocks", options.LastBlocks), ("firstBlocks", options.FirstBlocks), ("freezeFirst", options.FreezeFirst) })
        {
            if (count > blocks)
            {
                throw new TuningException(ErrorCodes.TuningTargetUnknown, "partial", $"'tuning.{name}' is {count}, but this model has {blocks} blocks", $"Give a number from 0 to {blocks}");
            }
        }
    }

    private void CheckPatterns(PretrainedModel model)
    {
        foreach (string pattern in options.Names.Concat(options.Freeze))
        {
            if (!model.Parameters().Any(parameter => FileSystemName.MatchesSimpleExpression(pattern, parameter.Name, ignoreCase: false)))
            {
                throw new TuningException(ErrorCodes.TuningTargetUnknown, "partial", $"no weight's name matches '{pattern}'", "Give a pattern with * for any text, such as '*.attention.*'; 'hieno inspect' lists the names");
            }
        }
    }
}
