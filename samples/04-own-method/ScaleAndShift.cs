using System.Text.Json;
using Hieno.Formats.Peft;
using Hieno.Models;
using Hieno.Models.Layers;
using Hieno.Plugins;
using Hieno.Tensors;
using Hieno.Tuning;
using OwnMethod;

[assembly: Kind<TuningOptions, ScaleAndShiftOptions>("scale-and-shift")]

namespace OwnMethod;

/// <summary>What chosen layers give is scaled and shifted by two learned vectors: y = γ ∘ (Wx + b) + β.</summary>
public sealed record ScaleAndShiftOptions : AdapterOptions
{
    /// <summary>Endings of the names of the layers. Default: every linear layer below the head.</summary>
    public IReadOnlyList<string> Targets { get; init; } = [LayerTargets.AllLinear];

    /// <inheritdoc/>
    protected override PeftLayout Layout => new ScaleAndShiftLayout();

    /// <inheritdoc/>
    public override ITuningMethod Create() => new ScaleAndShift(this);
}

/// <summary>What chosen layers give is scaled and shifted.</summary>
/// <remarks>Lian et al. 2022, <see href="https://arxiv.org/abs/2210.08823"/>, here after linear layers only.</remarks>
public sealed class ScaleAndShift(ScaleAndShiftOptions options) : ITuningMethod
{
    /// <inheritdoc/>
    public TunedModel Apply(PretrainedModel model, ulong seed)
    {
        var adapter = Adapter.Begin(model, options, "scale-and-shift");
        foreach (Linear layer in LayerTargets.Find<Linear>(adapter, options.Targets, "scale-and-shift"))
        {
            // γ = 1 and β = 0: the first step starts from the base model.
            Tensor scale = Initializer.Ones.Create([1, layer.Out], seed, $"{layer.Path}.scale");
            Tensor shift = Initializer.Zeros.Create([1, layer.Out], seed, $"{layer.Path}.shift");
            adapter.Attach(new ScaleAndShiftUpdate(layer, adapter.Name, scale, shift));
        }

        return adapter.Complete();
    }
}

/// <summary>The vectors γ and β of one layer, [1, out] each.</summary>
public sealed class ScaleAndShiftUpdate(Linear layer, string adapter, Tensor scale, Tensor shift) : LinearUpdate(layer, adapter)
{
    private readonly Parameter _scale = layer.CreateUpdateWeight("scale", scale);
    private readonly Parameter _shift = layer.CreateUpdateWeight("shift", shift);

    /// <inheritdoc/>
    public override IReadOnlyList<Parameter> Parameters => [_scale, _shift];

    /// <inheritdoc/>
    public override IReadOnlyList<Parameter> MergesInto => Layer.Bias is { } bias ? [Layer.Weight, bias] : []; // β needs an offset to go into

    /// <inheritdoc/>
    public override Tensor Apply(Tensor x, Tensor y) =>
        Ops.Add(Ops.ScaleColumns(y, Vector(_scale)), Ops.Reshape(Ops.Rows(_shift, new int[y.Rows]), y.Shape)); // β once for each row

    /// <inheritdoc/>
    public override void Merge()
    {
        StoredWeight.Rewrite(Layer, weight => StoredWeight.ScaleOutputs(Layer, weight, Vector(_scale))); // W ← diag(γ)·W
        Tensor offset = Layer.Bias!.Base;
        using Tape tape = Tape.Begin(record: false, backend: offset.Backend);
        offset.Backend.Copy(Ops.Add(Ops.Mul(offset, Vector(_scale)), Vector(_shift)), offset);           // b ← γ ∘ b + β
    }

    private Tensor Vector(Parameter weight) => Ops.Reshape(weight, [Layer.Out]);
}

/// <summary>The adapter's folder: <c>adapter_config.json</c> and two tensors for each layer, <c>base_model.model.(layer).scale</c> and <c>.shift</c>.</summary>
public sealed class ScaleAndShiftLayout : PeftLayout
{
    /// <inheritdoc/>
    public override string PeftType => "SCALE_AND_SHIFT";

    /// <inheritdoc/>
    public override AdapterOptions ReadOptions(PeftAdapterConfig config) =>
        new ScaleAndShiftOptions { Targets = config.Settings!.GetStrings("target_modules") ?? [] };

    /// <inheritdoc/>
    public override void ReadParts(Adapter adapter, AdapterWeights weights)
    {
        foreach (string path in weights.PathsWith("scale"))
        {
            var layer = weights.ModuleAt<Linear>(path);
            adapter.Attach(new ScaleAndShiftUpdate(layer, adapter.Name, weights.Take(path, "scale", [1, layer.Out]), weights.Take(path, "shift", [1, layer.Out])));
        }
    }

    /// <inheritdoc/>
    public override PeftAdapterConfig Describe(Adapter adapter) => new()
    {
        Other = new Dictionary<string, JsonElement>(StringComparer.Ordinal)
        {
            ["target_modules"] = JsonSerializer.SerializeToElement(LayerTargets.NamesOf(adapter, ((ScaleAndShiftOptions)adapter.Options).Targets)),
        },
    };
}
