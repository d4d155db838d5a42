using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using Hieno.Formats;
using Hieno.Formats.Peft;
using Hieno.Models;
using Hieno.Models.Vision;
using Hieno.Tensors;

namespace Hieno.Tuning;

/// <summary>Settings of <see cref="VisualPromptTuning"/>.</summary>
public sealed record VisualPromptOptions : AdapterOptions
{
    /// <summary>Vectors that each picture is given. Default 10.</summary>
    [Range(1, 4096)]
    public int VirtualTokens { get; init; } = 10;

    /// <summary>True (default) gives each block vectors of its own; false only the first.</summary>
    public bool Deep { get; init; } = true;

    /// <inheritdoc/>
    protected internal override double DefaultLearningRate => 1e-2;

    /// <inheritdoc/>
    protected internal override PeftLayout Layout => new VisualPromptLayout();

    /// <inheritdoc/>
    public override ITuningMethod Create() => new VisualPromptTuning(this);
}

/// <summary>Visual prompt tuning: n vectors are put between the class vector and the patches of each picture, and only they and the output layer learn.</summary>
/// <remarks>
/// Jia et al. 2022, <see href="https://arxiv.org/abs/2203.12119"/>, section 3.2: VPT-shallow and VPT-deep. The vectors start evenly between ±√(6 / (numbers of a
/// patch + C)), as in the paper's published code.
/// </remarks>
public sealed class VisualPromptTuning(VisualPromptOptions options) : ITuningMethod
{
    private const string Who = "visual-prompt";

    /// <inheritdoc/>
    public TunedModel Apply(PretrainedModel model, ulong seed)
    {
        VisionTransformer body = BodyOf(model);
        var adapter = Adapter.Begin(model, options, Who);
        Initializer start = Initializer.Uniform(MathF.Sqrt(6f / (body.NumbersOfPatch + body.VectorWidth)));
        Tensor[] vectors =
        [
            .. Enumerable.Range(0, options.Deep ? body.Blocks.Count : 1)
                .Select(block => start.Create([options.VirtualTokens, body.VectorWidth], seed, VisualPrompt.NameOf(body, block), model.Backend)),
        ];
        adapter.Attach(new VisualPrompt(body, adapter.Name, vectors));
        return adapter.Complete();
    }

    /// <summary>The body that prompts are put into.</summary>
    /// <exception cref="TuningException">The model is no vision transformer, or one whose attention knows distances between patches only.</exception>
    internal static VisionTransformer BodyOf(PretrainedModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return model.Backbone switch
        {
            VisionTransformer { TakesPrompts: true } body => body,
            VisionTransformer => throw new TuningException(
                ErrorCodes.TuningNothingTrains, Who, $"attention of this model ({model.Config.ModelType}) knows distances between patches, among which a prompt has none", "Choose 'lora', 'bottleneck' or 'partial'"),
            _ => throw new TuningException(
                ErrorCodes.TuningNothingTrains, Who, $"this model ({model.Config.ModelType}) is no vision transformer", "Choose 'lora', 'partial' or, for a language model, 'prompt-tuning'"),
        };
    }
}

/// <summary>Visual prompts in a folder as PEFT's; PEFT itself does not know them.</summary>
internal sealed class VisualPromptLayout : PeftLayout
{
    /// <inheritdoc/>
    public override string PeftType => "VISUAL_PROMPT";

    /// <inheritdoc/>
    public override AdapterOptions ReadOptions(PeftAdapterConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        ModelConfig settings = config.Settings!;
        return new VisualPromptOptions { VirtualTokens = settings.GetInt("num_virtual_tokens"), Deep = settings.GetBool("deep") };
    }

    /// <inheritdoc/>
    public override void ReadParts(Adapter adapter, AdapterWeights weights)
    {
        var options = (VisualPromptOptions)adapter.Options;
        VisionTransformer body = VisualPromptTuning.BodyOf(adapter.Model);
        Shape shape = [options.VirtualTokens, body.VectorWidth];
        adapter.Attach(new VisualPrompt(
            body, adapter.Name, [.. Enumerable.Range(0, options.Deep ? body.Blocks.Count : 1).Select(block => weights.Take(Prefix + VisualPrompt.NameOf(body, block), shape))]));
    }

    /// <inheritdoc/>
    public override PeftAdapterConfig Describe(Adapter adapter)
    {
        var options = (VisualPromptOptions)adapter.Options;
        return new PeftAdapterConfig
        {
            Other = new Dictionary<string, JsonElement>(StringComparer.Ordinal)
            {
                ["num_virtual_tokens"] = JsonSerializer.SerializeToElement(options.VirtualTokens),
                ["deep"] = JsonSerializer.SerializeToElement(options.Deep),
            },
        };
    }
}
