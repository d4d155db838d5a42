using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using Hieno.Formats;
using Hieno.Formats.Peft;
using Hieno.Models;
using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Tuning;

/// <summary>Settings of <see cref="LlamaAdapter"/>.</summary>
public sealed record LlamaAdapterOptions : AdapterOptions
{
    /// <summary>Vectors of the prompt in each adapted block. Default 10.</summary>
    [Range(1, 4096)]
    public int PromptLength { get; init; } = 10;

    /// <summary>How many of the topmost blocks are adapted. Default (0): all.</summary>
    [Range(0, 1024)]
    public int TopBlocks { get; init; }

    /// <inheritdoc/>
    protected internal override double DefaultLearningRate => 9e-3;

    /// <inheritdoc/>
    protected internal override PeftLayout Layout => new LlamaAdapterLayout();

    /// <inheritdoc/>
    public override ITuningMethod Create() => new LlamaAdapter(this);
}

/// <summary>
/// LLaMA-Adapter: the topmost blocks attend to a learned prompt of their own as well, and a gate g that starts at 0 lets it in:
/// attention(q, K, V) + g·softmax(q·kₚᵀ/√D)·vₚ, where kₚ and vₚ are the block's own projections of the prompt.
/// </summary>
/// <remarks>Zhang et al. 2023, <see href="https://arxiv.org/abs/2303.16199"/>, section 3.2. The gate is one number for a block, as with PEFT.</remarks>
public sealed class LlamaAdapter(LlamaAdapterOptions options) : ITuningMethod
{
    /// <inheritdoc/>
    public TunedModel Apply(PretrainedModel model, ulong seed)
    {
        TextModel text = model.RequireText("llama-adapter");
        AttentionSite[] sites = [.. text.Modules().OfType<AttentionSite>()];
        if (sites.Length == 0 || options.TopBlocks > sites.Length)
        {
            throw new TuningException(ErrorCodes.TuningTargetUnknown, "llama-adapter", $"{options.TopBlocks} topmost blocks were asked for, this model has {sites.Length} with attention", $"Set 'tuning.topBlocks' to {sites.Length} or less");
        }

        var adapter = Adapter.Begin(text, options, "llama-adapter");
        foreach (AttentionSite site in sites[^(options.TopBlocks > 0 ? options.TopBlocks : sites.Length)..])
        {
            Backend backend = text.Backbone.TokenTable.Value.Backend;
            Tensor prompt = Initializer.Normal(1f).Create([1, options.PromptLength, site.Width], seed, $"{site.Path}.adaption_prompt", backend);
            Tensor gate = Initializer.Zeros.Create([1], seed, $"{site.Path}.adaption_gate", backend);
            adapter.Attach(new GatedPrompt(site, adapter.Name, prompt, gate));
        }

        return adapter.Complete();
    }
}

/// <summary>A learned prompt that one block attends to through a gate.</summary>
public sealed class GatedPrompt : AttentionUpdate
{
    private readonly int _length;
    private readonly AttentionOptions _options;

    /// <summary>Makes the part.</summary>
    /// <param name="site">Its place.</param>
    /// <param name="adapter">The adapter's name.</param>
    /// <param name="prompt">Vectors, [1, n, C], long-lived.</param>
    /// <param name="gate">The factor of what they add, [1], long-lived; 0 adds nothing.</param>
    public GatedPrompt(AttentionSite site, string adapter, Tensor prompt, Tensor gate)
        : base(site, adapter)
    {
        ArgumentNullException.ThrowIfNull(site);
        ArgumentNullException.ThrowIfNull(prompt);
        (Prompt, Gate) = (site.CreateUpdateWeight(LlamaAdapterLayout.Prompt, prompt), site.CreateUpdateWeight(LlamaAdapterLayout.Gate, gate));
        (_length, _options) = (prompt.Rows, site.Options with { DropoutRate = 0f });
        Parameters = [Gate, Prompt];
    }

    /// <summary>The vectors, [1, n, C].</summary>
    public Parameter Prompt { get; }

    /// <summary>The factor, [1].</summary>
    public Parameter Gate { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<Parameter> Parameters { get; }

    /// <inheritdoc/>
    public override Tensor Apply(Tensor q, Tensor y)
    {
        ArgumentNullException.ThrowIfNull(q);
        (Tensor keys, Tensor values) = Site.Project(Ops.Reshape(Prompt, [_length, Site.Width]));

        // What attention gives is linear in the values, so it is these few that the gate multiplies.
        Tensor column = Ops.Reshape(Ops.Rows(values, [.. Enumerable.Range(0, _length)]), [_length * values.Columns, 1]);
        Tensor gated = Ops.Reshape(Ops.Linear(column, Ops.Reshape(Gate, [1, 1])), [_length, values.Columns]);
        int[] ends = new int[q.Rows];
        Array.Fill(ends, _length); // every token sees all of it
        return Ops.Add(y, Ops.Attention(q, keys, gated, new AttentionSpans(new int[q.Rows], ends), _options));
    }
}

/// <summary>LLaMA-Adapter in PEFT's files, where it is called ADAPTION_PROMPT.</summary>
internal sealed class LlamaAdapterLayout : PeftLayout
{
    public const string Prompt = "adaption_prompt";
    public const string Gate = "adaption_gate";

    /// <inheritdoc/>
    public override string PeftType => "ADAPTION_PROMPT";

    /// <inheritdoc/>
    public override AdapterOptions ReadOptions(PeftAdapterConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        return new LlamaAdapterOptions { PromptLength = config.Settings!.GetInt("adapter_len"), TopBlocks = config.Settings.GetInt("adapter_layers") };
    }

    /// <inheritdoc/>
    public override void ReadParts(Adapter adapter, AdapterWeights weights)
    {
        int length = ((LlamaAdapterOptions)adapter.Options).PromptLength;
        foreach (string path in weights.PathsWith(Prompt))
        {
            var site = weights.ModuleAt<AttentionSite>(path);
            adapter.Attach(new GatedPrompt(site, adapter.Name, weights.Take(path, Prompt, [1, length, site.Width]), weights.Take(path, Gate, [1])));
        }
    }

    /// <inheritdoc/>
    public override PeftAdapterConfig Describe(Adapter adapter)
    {
        string path = adapter.Parts[0].Place.Path;
        return new PeftAdapterConfig
        {
            Other = new Dictionary<string, JsonElement>(StringComparer.Ordinal)
            {
                ["adapter_len"] = JsonSerializer.SerializeToElement(((LlamaAdapterOptions)adapter.Options).PromptLength),
                ["adapter_layers"] = JsonSerializer.SerializeToElement(adapter.Parts.Count),
                ["target_modules"] = JsonSerializer.SerializeToElement(path[(path.LastIndexOf('.') + 1)..]),
            },
        };
    }
}
