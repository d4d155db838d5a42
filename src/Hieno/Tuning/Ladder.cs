using System.ComponentModel.DataAnnotations;
using Hieno.Formats;
using Hieno.Formats.Peft;
using Hieno.Models;
using Hieno.Tensors;

namespace Hieno.Tuning;

/// <summary>What the blocks of a side network start from.</summary>
public enum LadderStart
{
    /// <summary>The base's blocks, cut down to their heaviest units.</summary>
    Pruned,

    /// <summary>Random numbers.</summary>
    Random,
}

/// <summary>Settings of <see cref="Ladder"/>.</summary>
public sealed record LadderOptions : AdapterOptions
{
    /// <summary>The width of the model divided by that of the side network. Default 8.</summary>
    [Range(1, 65536)]
    public int Reduction { get; init; } = 8;

    /// <summary>T of the gates σ(g / T): the smaller, the sooner a gate opens or closes. Default 0.1.</summary>
    [Range(1e-3, 1e3)]
    public double Temperature { get; init; } = 0.1;

    /// <summary>What the side network starts from: pruned, random. Default pruned.</summary>
    public LadderStart Start { get; init; } = LadderStart.Pruned;

    /// <inheritdoc/>
    protected internal override double DefaultLearningRate => 1e-3;

    /// <inheritdoc/>
    protected internal override PeftLayout Layout => new LadderLayout();

    /// <inheritdoc/>
    public override ITuningMethod Create() => new Ladder(this);
}

/// <summary>
/// Ladder side-tuning: a narrow network of the same kind beside the frozen body. Its block i reads μᵢ·sᵢ₋₁ + (1 − μᵢ)·Dᵢhᵢ, where sᵢ₋₁ is what its block
/// before gave, hᵢ what the body's block i gave, and μᵢ = σ(gᵢ / T) a learned gate; the head reads U·s. No gradient enters the body.
/// </summary>
/// <remarks>
/// Sung et al. 2022, <see href="https://arxiv.org/abs/2206.06522"/>, section 3. Pruned as it is here: of each axis the units with the largest sums of
/// absolute weights are kept, Dᵢ starts by picking the kept channels, and U by putting them back.
/// </remarks>
public sealed class Ladder(LadderOptions options) : ITuningMethod
{
    /// <inheritdoc/>
    public TunedModel Apply(PretrainedModel model, ulong seed)
    {
        TextModel text = model.RequireText("ladder");
        ThrowIfUnsuitable(text);
        var adapter = Adapter.Begin(text, options, "ladder");
        WeightSource source = options.Start == LadderStart.Random
            ? new RandomWeights(seed, text.Backbone.TokenTable.Value.Backend)
            : new PrunedWeights(text, text.Backbone.Width / options.Reduction);
        adapter.Attach(LadderNetwork.Create(text, adapter.Name, options, source));
        return adapter.Complete();
    }

    private void ThrowIfUnsuitable(TextModel model)
    {
        int width = model.Backbone.Width;
        if (width % (2 * options.Reduction) != 0)
        {
            throw new TuningException(ErrorCodes.TuningTargetUnknown, "ladder", $"the model's width of {width} by {options.Reduction} is no even number", "Set 'tuning.reduction' to a divisor of half the width");
        }

        if (model.Family.Narrow(model.Config, options.Reduction) is null)
        {
            throw new TuningException(ErrorCodes.TuningNothingTrains, "ladder", $"it is not known how a narrower '{model.Family.ModelType}' is made", "Choose 'lora' or 'bottleneck'");
        }
    }
}

/// <summary>Side networks in a folder as PEFT's; PEFT itself does not know them.</summary>
internal sealed class LadderLayout : PeftLayout
{
    /// <inheritdoc/>
    public override string PeftType => "LADDER_SIDE";

    /// <inheritdoc/>
    public override AdapterOptions ReadOptions(PeftAdapterConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        ModelConfig settings = config.Settings!;
        int reduction = settings.GetInt("reduction");
        return reduction > 0
            ? new LadderOptions { Reduction = reduction, Temperature = settings.GetDouble("temperature"), ModulesToSave = PeftSettings.ModulesToSave(config) }
            : throw settings.Error("reduction", $"is {reduction}, expected at least 1", "Correct the configuration");
    }

    /// <inheritdoc/>
    public override void ReadParts(Adapter adapter, AdapterWeights weights)
    {
        ArgumentNullException.ThrowIfNull(adapter);
        adapter.Attach(LadderNetwork.Create(adapter.Model.RequireText("ladder"), adapter.Name, (LadderOptions)adapter.Options, new SavedWeights(weights, Prefix)));
    }

    /// <inheritdoc/>
    public override PeftAdapterConfig Describe(Adapter adapter)
    {
        var options = (LadderOptions)adapter.Options;
        return PeftSettings.Describe(adapter, ("reduction", options.Reduction), ("temperature", options.Temperature));
    }

    private sealed class SavedWeights(AdapterWeights weights, string prefix) : WeightSource
    {
        public override bool Has(string name) => weights.Has(prefix + name);

        public override Tensor Take(string name, Shape shape, Initializer initializer, bool mayBeNew) => weights.Take(prefix + name, shape);
    }
}
