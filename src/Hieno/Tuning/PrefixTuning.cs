using System.ComponentModel.DataAnnotations;
using Hieno.Formats;
using Hieno.Formats.Peft;
using Hieno.Models;
using Hieno.Tensors;

namespace Hieno.Tuning;

/// <summary>Settings of <see cref="PrefixTuning"/>.</summary>
public sealed record PrefixTuningOptions : AdapterOptions
{
    /// <summary>Virtual tokens before each text; each takes a position from it. Default 20.</summary>
    [Range(1, 4096)]
    public int VirtualTokens { get; init; } = 20;

    /// <summary>
    /// True learns the vectors through two linear layers with tanh between them, which steadies training; only what they give is saved. Default false.
    /// </summary>
    public bool Projection { get; init; }

    /// <summary>Width between the two layers. Default (0): that of a key.</summary>
    [Range(0, 65536)]
    public int ProjectionWidth { get; init; }

    /// <inheritdoc/>
    protected internal override double DefaultLearningRate => 5e-3;

    /// <inheritdoc/>
    protected internal override int AddedPositions => VirtualTokens;

    /// <inheritdoc/>
    protected internal override PeftLayout Layout => new PrefixTuningLayout();

    /// <inheritdoc/>
    public override ITuningMethod Create() => new PrefixTuning(this);
}

/// <summary>Prefix tuning: each layer's attention sees n learned keys and values before those of the text, and only they learn.</summary>
/// <remarks>
/// Li and Liang 2021, <see href="https://arxiv.org/abs/2101.00190"/>, section 4; on classifiers this is P-tuning v2: Liu et al. 2022,
/// <see href="https://arxiv.org/abs/2110.07602"/>, section 3. Keys are kept as attention reads them, so rotary positions do not turn them;
/// tokens of the text stand at position n and after, as with PEFT.
/// </remarks>
public sealed class PrefixTuning(PrefixTuningOptions options) : ITuningMethod
{
    /// <inheritdoc/>
    public TunedModel Apply(PretrainedModel model, ulong seed)
    {
        TextModel text = model.RequireText("prefix-tuning");
        Backbone body = text.Backbone;
        if (body.Blocks.Count == 0)
        {
            throw new TuningException(ErrorCodes.TuningNothingTrains, "prefix-tuning", "this model has no layers with attention", "Choose 'full' or 'head'");
        }

        (int key, int all, Backend backend) = (body.KeyWidth, 2 * body.Blocks.Count * body.KeyWidth, body.TokenTable.Value.Backend);
        PromptEncoder encoder = PromptTable.Random(options.VirtualTokens, options.Projection ? key : all, seed, backend);
        if (options.Projection)
        {
            encoder = new PromptLayers(encoder, "transform", [key, options.ProjectionWidth > 0 ? options.ProjectionWidth : key, all], Activation.Tanh, seed);
        }

        var adapter = Adapter.Begin(text, options, "prefix-tuning");
        adapter.Attach(new EncodedPrefix(body, adapter.Name, options.VirtualTokens, encoder));
        return adapter.Complete();
    }
}

/// <summary>Prefix tuning in PEFT's files.</summary>
internal sealed class PrefixTuningLayout : PromptLayout
{
    /// <inheritdoc/>
    public override string PeftType => "PREFIX_TUNING";

    /// <inheritdoc/>
    protected override bool IsPrefix => true;

    /// <inheritdoc/>
    public override AdapterOptions ReadOptions(PeftAdapterConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        ModelConfig settings = config.Settings!;
        return new PrefixTuningOptions
        {
            VirtualTokens = settings.GetInt("num_virtual_tokens"),
            Projection = settings.GetBool("prefix_projection", false),
            ProjectionWidth = settings.GetInt("encoder_hidden_size", 0),
        };
    }

    /// <inheritdoc/>
    protected override void Describe(Adapter adapter, Dictionary<string, object?> values)
    {
        var options = (PrefixTuningOptions)adapter.Options;
        values["prefix_projection"] = options.Projection;
        values["encoder_hidden_size"] = options.ProjectionWidth > 0 ? options.ProjectionWidth : adapter.Model.RequireText("prefix-tuning").Backbone.KeyWidth;
    }
}
