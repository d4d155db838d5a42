using System.Collections.ObjectModel;
using System.ComponentModel.DataAnnotations;
using Hieno.Formats;
using Hieno.Formats.Peft;
using Hieno.Models;
using Hieno.Models.Layers;
using Hieno.Recipes;
using Hieno.Tensors;

namespace Hieno.Tuning;

/// <summary>Settings of <see cref="LoHa"/>.</summary>
public sealed record LoHaOptions : LayerAdapterOptions, IValidated
{
    /// <summary>Rank r of each of the two products; their element-wise product has a rank of up to r². Default 8.</summary>
    [Range(1, 4096)]
    public int Rank { get; init; } = 8;

    /// <summary>Numerator of the update's scale α / r. Default 8.</summary>
    [Range(1e-3, 1e6)]
    public double Alpha { get; init; } = 8;

    /// <summary>Layers with a rank of their own: patterns of the ends of their paths, such as q_proj, of which the first that matches counts. Default: none.</summary>
    public IReadOnlyDictionary<string, int> Ranks { get; init; } = ReadOnlyDictionary<string, int>.Empty;

    /// <summary>Layers with an α of their own, by pattern as in 'ranks'. Default: none.</summary>
    public IReadOnlyDictionary<string, double> Alphas { get; init; } = ReadOnlyDictionary<string, double>.Empty;

    /// <inheritdoc/>
    protected internal override PeftLayout Layout => new LoHaLayout();

    /// <inheritdoc/>
    public override ITuningMethod Create() => new LoHa(this);

    /// <inheritdoc/>
    public IEnumerable<string> Validate() => LayerRanks.Faults();

    /// <summary>Rank and α of each layer.</summary>
    internal LayerRanks LayerRanks => new(Rank, Alpha, Ranks, Alphas);
}

/// <summary>LoHa: ΔW = s·(A₁B₁) ∘ (A₂B₂), the element-wise product of two products of low rank, with s = α / r.</summary>
/// <remarks>
/// Hyeon-Woo et al. 2021 (FedPara), <see href="https://arxiv.org/abs/2108.06098"/>, section 2; as an adapter in LyCORIS (Yeh et al. 2023,
/// <see href="https://arxiv.org/abs/2309.14859"/>). B₂ starts at 0, so that the first step starts from the base model exactly.
/// </remarks>
public sealed class LoHa(LoHaOptions options) : ITuningMethod
{
    /// <inheritdoc/>
    public TunedModel Apply(PretrainedModel model, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(model);
        LoHaOptions effective = options.Targets.Count > 0 ? options : options with { Targets = model.DefaultTargets };
        var adapter = Adapter.Begin(model, effective, "LoHa");
        IReadOnlyList<Linear> layers = LayerTargets.Find<Linear>(adapter, effective.Targets, "LoHa");
        LayerRanks ranks = effective.LayerRanks;
        ranks.ThrowIfIdle([.. layers.Select(layer => layer.Path)], "LoHa");
        foreach (Linear layer in layers)
        {
            (int r, Backend backend) = (ranks.RankOf(layer.Path), layer.Weight.Value.Backend);
            Tensor a1 = Initializer.KaimingUniform(r).Create([layer.Out, r], seed, $"{layer.Path}.{LoHaLayout.A1}", backend);
            Tensor b1 = Initializer.KaimingUniform(layer.In).Create([r, layer.In], seed, $"{layer.Path}.{LoHaLayout.B1}", backend);
            Tensor a2 = Initializer.KaimingUniform(r).Create([layer.Out, r], seed, $"{layer.Path}.{LoHaLayout.A2}", backend);
            Tensor b2 = Initializer.Zeros.Create([r, layer.In], seed, $"{layer.Path}.{LoHaLayout.B2}", backend);
            adapter.Attach(new LoHaUpdate(layer, adapter.Name, [a1, b1, a2, b2], (float)(ranks.AlphaOf(layer.Path) / r)));
        }

        return adapter.Complete();
    }
}

/// <summary>The four factors of one layer.</summary>
public sealed class LoHaUpdate : LinearUpdate
{
    private readonly float _scale;

    /// <summary>Makes the update.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="adapter">The adapter's name.</param>
    /// <param name="factors">A₁ [out, r], B₁ [r, in], A₂ [out, r], B₂ [r, in]; long-lived.</param>
    /// <param name="scale">s.</param>
    public LoHaUpdate(Linear layer, string adapter, IReadOnlyList<Tensor> factors, float scale)
        : base(layer, adapter)
    {
        ArgumentNullException.ThrowIfNull(layer);
        ArgumentNullException.ThrowIfNull(factors);
        _scale = scale;
        Parameters = [.. factors.Zip(LoHaLayout.Names, (factor, name) => layer.CreateUpdateWeight(name, factor))];
    }

    /// <inheritdoc/>
    public override IReadOnlyList<Parameter> Parameters { get; }

    /// <inheritdoc/>
    public override LinearUpdateForm Form => LinearUpdateForm.AddsToWeight;

    /// <inheritdoc/>
    public override Tensor TransformWeight(Tensor weight)
    {
        Tensor first = Ops.Linear(Ops.Scale(Parameters[0], _scale), Parameters[1], transposed: true); // [out, r]·[r, in]
        return StoredWeight.Add(Layer, weight, Ops.Mul(first, Ops.Linear(Parameters[2], Parameters[3], transposed: true)));
    }

    /// <inheritdoc/>
    public override void Merge() => StoredWeight.Rewrite(Layer, TransformWeight);
}

/// <summary>LoHa adapters in PEFT's files.</summary>
internal sealed class LoHaLayout : PeftLayout
{
    public const string A1 = "hada_w1_a";
    public const string B1 = "hada_w1_b";
    public const string A2 = "hada_w2_a";
    public const string B2 = "hada_w2_b";

    public static readonly string[] Names = [A1, B1, A2, B2];

    /// <inheritdoc/>
    public override string PeftType => "LOHA";

    /// <inheritdoc/>
    public override AdapterOptions ReadOptions(PeftAdapterConfig config) => new LoHaOptions
    {
        Rank = config.Settings!.GetInt("r", 8),
        Alpha = config.Settings.GetDouble("alpha", 8),
        Targets = PeftSettings.Targets(config),
        ModulesToSave = PeftSettings.ModulesToSave(config),
    };

    /// <inheritdoc/>
    public override void ReadParts(Adapter adapter, AdapterWeights weights)
    {
        var options = (LoHaOptions)adapter.Options;
        foreach (string path in weights.PathsWith(A1))
        {
            Linear layer = weights.ModuleAt<Linear>(path);
            int r = (int)PeftSettings.Of(adapter.Source!, "rank_pattern", path, options.Rank);
            Tensor[] factors = [.. Names.Select((name, i) => weights.Take(path, name, i % 2 == 0 ? [layer.Out, r] : [r, layer.In]))];
            adapter.Attach(new LoHaUpdate(layer, adapter.Name, factors, (float)(PeftSettings.Of(adapter.Source!, "alpha_pattern", path, options.Alpha) / r)));
        }
    }

    /// <inheritdoc/>
    public override PeftAdapterConfig Describe(Adapter adapter)
    {
        var options = (LoHaOptions)adapter.Options;
        (IReadOnlyDictionary<string, int> ranks, IReadOnlyDictionary<string, double> alphas) = options.LayerRanks.ForPeft(adapter.Parts.Select(part => part.Place.Path));
        return PeftSettings.Describe(adapter, [
            ("r", options.Rank), ("alpha", options.Alpha), ("rank_dropout", 0.0), ("module_dropout", 0.0), ("use_effective_conv2d", false), ("init_weights", true),
            ("rank_pattern", ranks), ("alpha_pattern", alphas), .. PeftSettings.AllLayers]);
    }
}
