using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hieno.Formats;
using Hieno.Models;
using Hieno.Tensors;

namespace Hieno.Tuning;

/// <summary>Settings of <see cref="BlockExpansion"/>.</summary>
public sealed record BlockExpansionOptions : TuningOptions
{
    /// <summary>Into how many groups the blocks are cut; new blocks are put on top of each. Default (0): a quarter of the number of blocks, at least 1.</summary>
    [Range(0, 10_000)]
    public int Groups { get; init; }

    /// <summary>How many new blocks each group is given: copies of its topmost ones. Default 1.</summary>
    [Range(1, 10_000)]
    public int Copies { get; init; } = 1;

    /// <inheritdoc/>
    protected internal override double DefaultLearningRate => 2e-4;

    /// <inheritdoc/>
    public override ITuningMethod Create() => new BlockExpansion(this);
}

/// <summary>
/// The model grows: copies of blocks are put between its own, and only they learn. In each copy the layers that add to the residual stream start
/// at 0, so that a copy gives what it reads, and the first step starts from the base model exactly.
/// </summary>
/// <remarks>LLaMA Pro: Wu et al. 2024, <see href="https://arxiv.org/abs/2401.02415"/>, section 3.2. The result is a plain model with more blocks.</remarks>
public sealed class BlockExpansion(BlockExpansionOptions options) : ITuningMethod
{
    private const string Who = "block-expansion";

    // What configurations say of single blocks by their number.
    private const string FirstWindowed = "max_window_layers";
    private const string LayerTypes = "layer_types";

    /// <inheritdoc/>
    public TunedModel Apply(PretrainedModel model, ulong seed)
    {
        TextModel text = model.RequireText(Who);
        ThrowIfUnsuitable(text);
        IReadOnlyList<ExpandedBlock> blocks = Plan(text.Backbone.Blocks.Count);
        TextModel expanded = text.Rebuild(Configure(text, blocks), new ExpandedWeights(text, blocks));
        TunedModel.FreezeAllButNew(expanded);
        foreach (Parameter parameter in expanded.Parameters())
        {
            parameter.Trainable |= parameter.Depth >= 1 && parameter.Depth <= blocks.Count && blocks[parameter.Depth - 1].IsNew;
        }

        return new TunedModel(expanded);
    }

    /// <summary>Which block of the base each block of the grown model is, or is a copy of.</summary>
    private List<ExpandedBlock> Plan(int count)
    {
        int groups = options.Groups > 0 ? options.Groups : Math.Max(1, count / 4);
        int smallest = count / groups;
        if (smallest < options.Copies)
        {
            throw new TuningException(ErrorCodes.TuningTargetUnknown, Who, $"the model's {count} blocks in {groups} groups are {smallest} to a group, fewer than the {options.Copies} that are to be copied of each", $"Give at most {count / options.Copies} 'tuning.groups'");
        }

        var blocks = new List<ExpandedBlock>();
        for (int group = 0; group < groups; group++)
        {
            (int first, int end) = (group * count / groups, (group + 1) * count / groups);
            blocks.AddRange(Enumerable.Range(first, end - first).Select(block => new ExpandedBlock(block, IsNew: false)));
            blocks.AddRange(Enumerable.Range(end - options.Copies, options.Copies).Select(block => new ExpandedBlock(block, IsNew: true)));
        }

        return blocks;
    }

    private static void ThrowIfUnsuitable(TextModel model)
    {
        string family = model.Family.ModelType;
        if (model.Family.ResidualOutputs.Count == 0)
        {
            throw new TuningException(ErrorCodes.TuningNothingTrains, Who, $"a block of a '{family}' model normalises what it adds up, so that no copy of one can give just what it reads", "Choose 'partial' or an adapter, or a family whose blocks normalise first");
        }

        if (model.Config.GetBool("scale_attn_by_inverse_layer_idx", false))
        {
            throw new TuningException(ErrorCodes.TuningNothingTrains, Who, "this model scales attention by the number of the block ('scale_attn_by_inverse_layer_idx'), which changes for blocks above a new one", "Choose 'partial' or an adapter");
        }

        if (model.AttachedParts().FirstOrDefault() is { } part)
        {
            throw new ArgumentException($"{Who}: {part.Place.Path} carries an adapter, which would stay with the old model. Take it off first.", nameof(model));
        }
    }

    private static ModelConfig Configure(TextModel model, IReadOnlyList<ExpandedBlock> blocks)
    {
        JsonObject json = JsonObject.Create(model.Config.Json)!;
        json[model.Family.BlockCountKey] = blocks.Count;
        if (json[FirstWindowed]?.GetValue<int>() is { } firstWindowed)
        {
            json[FirstWindowed] = blocks.Count(block => block.Source < firstWindowed) + Math.Max(0, firstWindowed - model.Backbone.Blocks.Count);
        }

        if (json[LayerTypes] is JsonArray types && types.Count == model.Backbone.Blocks.Count)
        {
            json[LayerTypes] = new JsonArray([.. blocks.Select(block => types[block.Source]!.DeepClone())]);
        }

        using JsonDocument document = JsonDocument.Parse(json.ToJsonString());
        return ModelConfig.From(document.RootElement.Clone(), model.Config.Path);
    }
}

/// <summary>A block of a grown model.</summary>
/// <param name="Source">The number of the base's block that it is, or is a copy of.</param>
/// <param name="IsNew">True for a copy.</param>
internal readonly record struct ExpandedBlock(int Source, bool IsNew);

/// <summary>The weights of a grown model: those of the base, and copies of them for new blocks, with zeros where these add to the residual stream.</summary>
internal sealed class ExpandedWeights : WeightSource
{
    private readonly TextModel _base;
    private readonly IReadOnlyList<ExpandedBlock> _blocks;
    private readonly Dictionary<string, Parameter> _parameters;
    private readonly string _prefix;

    /// <summary>Takes weights from a model.</summary>
    public ExpandedWeights(TextModel model, IReadOnlyList<ExpandedBlock> blocks)
    {
        (_base, _blocks) = (model, blocks);
        _parameters = model.Parameters().ToDictionary(parameter => parameter.Name, StringComparer.Ordinal);
        string first = model.Backbone.Blocks[0].Path; // e.g. model.layers.0
        _prefix = first[..(first.LastIndexOf('.') + 1)];
    }

    /// <inheritdoc/>
    public override bool Has(string name) => _parameters.ContainsKey(Source(name, out _));

    /// <inheritdoc/>
    public override Tensor Take(string name, Shape shape, Initializer initializer, bool mayBeNew)
    {
        Parameter parameter = _parameters[Source(name, out bool isNew)];
        if (!isNew)
        {
            return parameter.Base;
        }

        Tensor copy = parameter.CopyBase();
        string layer = name[..name.LastIndexOf('.')];
        if (_base.Family.ResidualOutputs.Any(ending => LayerTargets.Matches(layer, ending)))
        {
            copy.Backend.Fill(copy, 0f);
        }

        return copy;
    }

    // model.layers.5.mlp.up_proj.weight → model.layers.4.mlp.up_proj.weight
    private string Source(string name, out bool isNew)
    {
        isNew = false;
        if (!name.StartsWith(_prefix, StringComparison.Ordinal))
        {
            return name;
        }

        int dot = name.IndexOf('.', _prefix.Length);
        ExpandedBlock block = _blocks[int.Parse(name.AsSpan(_prefix.Length, dot - _prefix.Length), CultureInfo.InvariantCulture)];
        isNew = block.IsNew;
        return string.Create(CultureInfo.InvariantCulture, $"{_prefix}{block.Source}{name[dot..]}");
    }
}
