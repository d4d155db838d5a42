using System.ComponentModel.DataAnnotations;
using Hieno.Models;
using Hieno.Models.Layers;
using Hieno.Recipes;
using Hieno.Tensors;

namespace Hieno.Tuning;

/// <summary>Settings of <see cref="AdaLoRA"/>.</summary>
public sealed record AdaLoRAOptions : LayerAdapterOptions, IValidated
{
    /// <summary>Rank of each layer's update at the start. Default 12.</summary>
    [Range(1, 4096)]
    public int InitialRank { get; init; } = 12;

    /// <summary>Rank of a layer's update at the end, on average over the layers. Default 8.</summary>
    [Range(1, 4096)]
    public int TargetRank { get; init; } = 8;

    /// <summary>Numerator of the update's scale α / initial rank. Default 16.</summary>
    [Range(1e-3, 1e6)]
    public double Alpha { get; init; } = 16;

    /// <summary>Probability of dropping an input of the update. Default 0.</summary>
    [Range(0.0, 0.95)]
    public double Dropout { get; init; }

    /// <summary>Steps before ranks begin to fall. Default 0.</summary>
    [Range(0, int.MaxValue)]
    public int WarmupSteps { get; init; }

    /// <summary>Steps at the end in which the ranks stay as they are. Default 0.</summary>
    [Range(0, int.MaxValue)]
    public int FinalSteps { get; init; }

    /// <summary>Ranks are shared out anew every n steps. Default 1.</summary>
    [Range(1, int.MaxValue)]
    public int Interval { get; init; } = 1;

    /// <summary>β₁, by which the sensitivity of a weight is averaged over steps. Default 0.85.</summary>
    [Range(0.0, 0.999999)]
    public double Beta1 { get; init; } = 0.85;

    /// <summary>β₂, by which the uncertainty of that is averaged. Default 0.85.</summary>
    [Range(0.0, 0.999999)]
    public double Beta2 { get; init; } = 0.85;

    /// <summary>Weight of the term that keeps P and Q orthogonal. Default 0.5.</summary>
    [Range(1e-9, 1e6)]
    public double Orthogonality { get; init; } = 0.5;

    /// <inheritdoc/>
    protected internal override double DefaultLearningRate => 2e-3;

    /// <inheritdoc/>
    protected internal override PeftLayout Layout => new AdaLoRALayout();

    /// <inheritdoc/>
    public override ITuningMethod Create() => new AdaLoRA(this);

    /// <inheritdoc/>
    public IEnumerable<string> Validate()
    {
        if (TargetRank > InitialRank)
        {
            yield return $"'targetRank' is {TargetRank}, more than the {InitialRank} of 'initialRank'. Ranks only fall: lower it, or raise 'initialRank'.";
        }
    }

    /// <summary>The factor of the update: α / initial rank, with the small number by which PEFT guards the division.</summary>
    internal float Scale => (float)(Alpha / (InitialRank + 1e-5));
}

/// <summary>
/// AdaLoRA: y = Wx + b + s·P(Λ ∘ Q·dropout(x)), an update in the form of a singular value decomposition. All layers share one budget of ranks,
/// which falls in the course of the run: what matters least to the loss, over all layers, is set to zero.
/// </summary>
/// <remarks>
/// Zhang et al. 2023, <see href="https://arxiv.org/abs/2303.10512"/>, sections 3.1 to 3.3. Λ starts at zero, so that the first step starts from
/// the base model exactly. P and Q are called B and A in files, Λ is E.
/// </remarks>
public sealed class AdaLoRA(AdaLoRAOptions options) : ITuningMethod
{
    private const string Who = "AdaLoRA";
    private static readonly Initializer s_start = Initializer.Normal(0.02f);

    /// <inheritdoc/>
    public TunedModel Apply(PretrainedModel model, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(model);
        AdaLoRAOptions effective = options.Targets.Count > 0 ? options : options with { Targets = model.DefaultTargets };
        var adapter = Adapter.Begin(model, effective, Who);
        int rank = effective.InitialRank;
        foreach (Linear layer in LayerTargets.Find<Linear>(adapter, effective.Targets, Who))
        {
            Backend backend = layer.Weight.Value.Backend;
            adapter.Attach(new AdaLoRAUpdate(
                layer,
                adapter.Name,
                s_start.Create([rank, layer.In], seed, $"{layer.Path}.{AdaLoRALayout.PartA}", backend),
                Initializer.Zeros.Create([rank, 1], seed, $"{layer.Path}.{AdaLoRALayout.PartE}", backend),
                s_start.Create([layer.Out, rank], seed, $"{layer.Path}.{AdaLoRALayout.PartB}", backend),
                effective.Scale,
                (float)effective.Dropout));
        }

        adapter.StepRule = new RankAllocation(adapter, effective);
        return adapter.Complete();
    }
}

/// <summary>The trainable triplets of one layer: row k of A (Q in the paper), number k of E (Λ), column k of B (P).</summary>
public sealed class AdaLoRAUpdate : LinearUpdate
{
    private readonly float _scale;
    private readonly float _dropout;

    /// <summary>Makes the triplets.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="adapter">The adapter's name.</param>
    /// <param name="a">A, [r, in], long-lived.</param>
    /// <param name="e">E, [r, 1], long-lived.</param>
    /// <param name="b">B, [out, r], long-lived.</param>
    /// <param name="scale">s.</param>
    /// <param name="dropout">Probability of dropping an input.</param>
    public AdaLoRAUpdate(Linear layer, string adapter, Tensor a, Tensor e, Tensor b, float scale, float dropout)
        : base(layer, adapter)
    {
        ArgumentNullException.ThrowIfNull(layer);
        A = layer.CreateUpdateWeight(AdaLoRALayout.PartA, a);
        E = layer.CreateUpdateWeight(AdaLoRALayout.PartE, e);
        B = layer.CreateUpdateWeight(AdaLoRALayout.PartB, b);
        (_scale, _dropout) = (scale, dropout);
        Parameters = [A, E, B];
    }

    /// <summary>A, [r, in].</summary>
    public Parameter A { get; }

    /// <summary>E, [r, 1].</summary>
    public Parameter E { get; }

    /// <summary>B, [out, r].</summary>
    public Parameter B { get; }

    /// <summary>How many triplets there are, those that were set to zero included; a saved adapter may have left a layer with none.</summary>
    public int Rank => checked((int)E.Count);

    /// <summary>Which triplets the last sharing-out left, or null before the first.</summary>
    public IReadOnlyList<bool>? Kept { get; internal set; }

    /// <inheritdoc/>
    public override IReadOnlyList<Parameter> Parameters { get; }

    /// <inheritdoc/>
    public override Tensor Apply(Tensor x, Tensor y)
    {
        if (Rank == 0)
        {
            return y;
        }

        Tensor low = Ops.ScaleColumns(Ops.Linear(Ops.Dropout(x, _dropout), A), Lambda); // [N, r]
        return Ops.Add(y, Ops.Linear(Ops.Scale(low, _scale), B));                       // [N, out]
    }

    /// <inheritdoc/>
    public override void Merge()
    {
        if (Rank == 0)
        {
            return;
        }

        using Tape tape = Tape.Begin(record: false, backend: Layer.Weight.Base.Backend);
        Tensor scaled = Ops.Transpose(Ops.ScaleColumns(Ops.Transpose(A), Lambda)); // diag(E)·A
        Layer.Weight.Base.Backend.AddInto(LoRAUpdate.Change(Layer, scaled, B, _scale), Layer.Weight.Base);
    }

    private Tensor Lambda => Ops.Reshape(E, [Rank]);
}
