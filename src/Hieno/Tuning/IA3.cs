using Hieno.Formats;
using Hieno.Formats.Peft;
using Hieno.Models;
using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Tuning;

/// <summary>Settings of <see cref="IA3"/>.</summary>
public sealed record IA3Options : LayerAdapterOptions
{
    /// <summary>
    /// Those of the targets whose input is scaled instead of the output: the second feed-forward layer, whose input is the inner activation.
    /// Default: the family's usual ones where no targets are given, else none.
    /// </summary>
    public IReadOnlyList<string> FeedForward { get; init; } = [];

    /// <inheritdoc/>
    protected internal override double DefaultLearningRate => 3e-3;

    /// <inheritdoc/>
    protected internal override PeftLayout Layout => new IA3Layout();

    /// <inheritdoc/>
    public override ITuningMethod Create() => new IA3(this);
}

/// <summary>(IA)³: keys, values and inner activations are multiplied by learned vectors, y = l ∘ (Wx + b), or y = W(l ∘ x) + b in feed-forward layers.</summary>
/// <remarks>
/// Liu et al. 2022, <see href="https://arxiv.org/abs/2205.05638"/>, section 3.3. The vectors start at 1, so that the first step starts from the
/// base model exactly.
/// </remarks>
public sealed class IA3(IA3Options options) : ITuningMethod
{
    // Keys, values and the second feed-forward layer, as the families name them.
    private static readonly (string[] Targets, string[] FeedForward)[] s_usual =
    [
        (["k_proj", "v_proj", "down_proj"], ["down_proj"]),
        (["c_attn", "mlp.c_proj"], ["mlp.c_proj"]),
        (["key", "value", "output.dense"], ["output.dense"]),
    ];

    /// <inheritdoc/>
    public TunedModel Apply(PretrainedModel model, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(model);
        IA3Options effective = options.Targets.Count > 0 ? options : UsualOf(model);
        var adapter = Adapter.Begin(model, effective, "IA3");
        foreach (Linear layer in LayerTargets.Find<Linear>(adapter, effective.Targets, "IA3"))
        {
            bool feedForward = effective.FeedForward.Any(ending => LayerTargets.Matches(layer.Path, ending));
            Tensor l = Initializer.Ones.Create(feedForward ? [1, layer.In] : [layer.Out, 1], seed, $"{layer.Path}.{IA3Layout.Part}", layer.Weight.Value.Backend);
            adapter.Attach(new IA3Update(layer, adapter.Name, l, feedForward));
        }

        return adapter.Complete();
    }

    private IA3Options UsualOf(PretrainedModel model)
    {
        Linear[] layers = [.. TunedModel.Linears(model)];
        foreach ((string[] targets, string[] feedForward) in s_usual)
        {
            if (Array.TrueForAll(targets, target => Array.Exists(layers, layer => LayerTargets.Matches(layer.Path, target))))
            {
                return options with { Targets = targets, FeedForward = feedForward };
            }
        }

        throw new TuningException(
            ErrorCodes.TuningTargetUnknown, "IA3", $"it is not known which layers of a '{model.Config.ModelType}' model give keys, values and inner activations", "Set 'tuning.targets' and 'tuning.feedForward'");
    }
}

/// <summary>The learned vector l of one layer.</summary>
public sealed class IA3Update : LinearUpdate
{
    private readonly Parameter _l;
    private readonly bool _feedForward;

    /// <summary>Makes the update.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="adapter">The adapter's name.</param>
    /// <param name="l">[1, in] for a feed-forward layer, else [out, 1]; long-lived.</param>
    /// <param name="feedForward">True to scale the input.</param>
    public IA3Update(Linear layer, string adapter, Tensor l, bool feedForward)
        : base(layer, adapter)
    {
        ArgumentNullException.ThrowIfNull(layer);
        (_l, _feedForward) = (layer.CreateUpdateWeight(IA3Layout.Part, l), feedForward);
        Parameters = [_l];
    }

    /// <inheritdoc/>
    public override IReadOnlyList<Parameter> Parameters { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<Parameter> MergesInto => _feedForward || Layer.Bias is null ? [Layer.Weight] : [Layer.Weight, Layer.Bias];

    /// <inheritdoc/>
    public override LinearUpdateForm Form => _feedForward ? LinearUpdateForm.ChangesInput : LinearUpdateForm.ScalesOutput;

    /// <inheritdoc/>
    public override Tensor TransformInput(Tensor x) => _feedForward ? Ops.ScaleColumns(x, Vector) : x;

    /// <inheritdoc/>
    public override Tensor Apply(Tensor x, Tensor y) => _feedForward ? y : Ops.ScaleColumns(y, Vector);

    /// <inheritdoc/>
    public override void Merge()
    {
        StoredWeight.Rewrite(Layer, weight => _feedForward ? StoredWeight.ScaleInputs(Layer, weight, Vector) : StoredWeight.ScaleOutputs(Layer, weight, Vector));
        if (!_feedForward && Layer.Bias is { } bias)
        {
            using Tape tape = Tape.Begin(record: false, backend: bias.Base.Backend);
            bias.Base.Backend.Copy(Ops.Mul(bias.Base, Vector), bias.Base);
        }
    }

    private Tensor Vector => Ops.Reshape(_l, [checked((int)_l.Count)]);
}

/// <summary>(IA)³ adapters in PEFT's files.</summary>
internal sealed class IA3Layout : PeftLayout
{
    public const string Part = "ia3_l";

    /// <inheritdoc/>
    public override string PeftType => "IA3";

    /// <inheritdoc/>
    public override AdapterOptions ReadOptions(PeftAdapterConfig config) => new IA3Options
    {
        Targets = PeftSettings.Targets(config),
        FeedForward = config.Settings!.Json.TryGetProperty("feedforward_modules", out var value) && value.ValueKind == System.Text.Json.JsonValueKind.Array
            ? config.Settings.GetStrings("feedforward_modules")!
            : [],
        ModulesToSave = PeftSettings.ModulesToSave(config),
    };

    /// <inheritdoc/>
    public override void ReadParts(Adapter adapter, AdapterWeights weights)
    {
        foreach (string path in weights.PathsWith(Part))
        {
            // PEFT tells the two apart by shape as well: [1, in] before a feed-forward layer, [out, 1] behind the others.
            Linear layer = weights.ModuleAt<Linear>(path);
            bool feedForward = weights.ShapeOf(path, Part) is [1, _];
            adapter.Attach(new IA3Update(layer, adapter.Name, weights.Take(path, Part, feedForward ? [1, layer.In] : [layer.Out, 1]), feedForward));
        }
    }

    /// <inheritdoc/>
    public override PeftAdapterConfig Describe(Adapter adapter)
    {
        var options = (IA3Options)adapter.Options;
        return PeftSettings.Describe(adapter, ("feedforward_modules", options.FeedForward), ("init_ia3_weights", true), PeftSettings.FanInFanOut(adapter));
    }
}
