using System.Text.Json;
using Hieno.Formats.Peft;
using Hieno.Models;
using Hieno.Models.Layers;
using Hieno.Tensors;
using Hieno.Tuning;

namespace Hieno.Architecture.Tests.Examples;

/// <summary>Each chosen layer learns a constant that is added to what it gives: y = Wx + b + v.</summary>
public sealed record LayerOffsetOptions : AdapterOptions
{
    /// <summary>Endings of the names of the layers. Default: every linear layer below the head.</summary>
    public IReadOnlyList<string> Targets { get; init; } = [LayerTargets.AllLinear];

    /// <inheritdoc/>
    protected override PeftLayout Layout => new LayerOffsetLayout();

    /// <inheritdoc/>
    public override ITuningMethod Create() => new LayerOffset(this);
}

/// <summary>Each chosen layer learns a constant that is added to what it gives.</summary>
public sealed class LayerOffset(LayerOffsetOptions options) : ITuningMethod
{
    /// <inheritdoc/>
    public TunedModel Apply(PretrainedModel model, ulong seed)
    {
        var adapter = Adapter.Begin(model, options, "layer-offset"); // freezes the model; takes in a new head and 'modulesToSave'
        foreach (Linear layer in LayerTargets.Find<Linear>(adapter, options.Targets, "layer-offset"))
        {
            Tensor v = Initializer.Zeros.Create([1, layer.Out], seed, $"{layer.Path}.offset"); // 0: the first step starts from the base model
            adapter.Attach(new LayerOffsetUpdate(layer, adapter.Name, v));
        }

        return adapter.Complete();
    }
}

/// <summary>The constant v, [1, out].</summary>
public sealed class LayerOffsetUpdate(Linear layer, string adapter, Tensor v) : LinearUpdate(layer, adapter)
{
    private readonly Parameter _v = layer.CreateUpdateWeight("offset", v);

    /// <inheritdoc/>
    public override IReadOnlyList<Parameter> Parameters => [_v];

    /// <inheritdoc/>
    public override IReadOnlyList<Parameter> MergesInto => Layer.Bias is { } bias ? [bias] : []; // without an offset it cannot be merged

    /// <inheritdoc/>
    public override Tensor Apply(Tensor x, Tensor y) => Ops.Add(y, Ops.Reshape(Ops.Rows(_v, new int[y.Rows]), y.Shape));

    /// <inheritdoc/>
    public override void Merge() => _v.Value.Backend.AddInto(_v.Value.View([Layer.Out]), Layer.Bias!.Base);
}

/// <summary>The adapter's folder: <c>adapter_config.json</c> and a tensor <c>base_model.model.(layer).offset</c> for each layer.</summary>
public sealed class LayerOffsetLayout : PeftLayout
{
    /// <inheritdoc/>
    public override string PeftType => "LAYER_OFFSET";

    /// <inheritdoc/>
    public override AdapterOptions ReadOptions(PeftAdapterConfig config) =>
        new LayerOffsetOptions { Targets = config.Settings!.GetStrings("target_modules") ?? [] };

    /// <inheritdoc/>
    public override void ReadParts(Adapter adapter, AdapterWeights weights)
    {
        foreach (string path in weights.PathsWith("offset"))
        {
            var layer = weights.ModuleAt<Linear>(path);
            adapter.Attach(new LayerOffsetUpdate(layer, adapter.Name, weights.Take(path, "offset", [1, layer.Out])));
        }
    }

    /// <inheritdoc/>
    public override PeftAdapterConfig Describe(Adapter adapter) => new()
    {
        Other = new Dictionary<string, JsonElement>(StringComparer.Ordinal)
        {
            ["target_modules"] = JsonSerializer.SerializeToElement(LayerTargets.NamesOf(adapter, ((LayerOffsetOptions)adapter.Options).Targets)),
        },
    };
}
