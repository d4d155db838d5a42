using System.ComponentModel.DataAnnotations;
using Hieno.Formats;
using Hieno.Models;
using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Tuning;

/// <summary>Which offsets learn beside a LoRA adapter.</summary>
public enum LoRABias
{
    /// <summary>None.</summary>
    None,

    /// <summary>All offsets of the model.</summary>
    All,

    /// <summary>The offsets of the adapted layers.</summary>
    LoraOnly,
}

/// <summary>Settings of <see cref="LoRA"/>.</summary>
public sealed record LoRAOptions : AdapterOptions
{
    /// <summary>Rank r of the update; trainable weights grow linearly with it. Default 8.</summary>
    [Range(1, 4096)]
    public int Rank { get; init; } = 8;

    /// <summary>Numerator of the update's scale α / r. Default 16.</summary>
    [Range(1e-3, 1e6)]
    public double Alpha { get; init; } = 16;

    /// <summary>Probability of dropping an input of the update (the base path is never dropped). Default 0.</summary>
    [Range(0.0, 0.95)]
    public double Dropout { get; init; }

    /// <summary>True scales by α / √r instead of α / r, which keeps high ranks stable (Kalajdzievski 2023). Default false.</summary>
    public bool RsLora { get; init; }

    /// <summary>Endings of the names of the layers and tables to adapt, or all-linear for every linear layer below the head. Default: the family's usual ones.</summary>
    public IReadOnlyList<string> Targets { get; init; } = [];

    /// <summary>Which offsets learn as well: none, all, lora-only. Default none.</summary>
    public LoRABias Bias { get; init; } = LoRABias.None;

    /// <inheritdoc/>
    protected internal override PeftLayout Layout => new LoRALayout();

    /// <inheritdoc/>
    public override ITuningMethod Create() => new LoRA(this);
}

/// <summary>Low-rank adaptation: W stays frozen and y = Wx + b + s·B(A·dropout(x)) learns through A and B only, with s = α / r.</summary>
/// <remarks>
/// Hu et al. 2021, <see href="https://arxiv.org/abs/2106.09685"/>, section 4.1. A starts Kaiming-uniform, B at zero, so that the first step
/// starts from the base model exactly. rsLoRA: Kalajdzievski 2023, <see href="https://arxiv.org/abs/2312.03732"/>.
/// </remarks>
public sealed class LoRA(LoRAOptions options) : ITuningMethod
{
    /// <inheritdoc/>
    public TunedModel Apply(TextModel model, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(model);
        LoRAOptions effective = options.Targets.Count > 0 ? options : options with { Targets = model.Family.DefaultTargets };
        var adapter = Adapter.Begin(model, effective, "LoRA");
        IReadOnlyList<Module> layers = LayerTargets.Find<Module>(adapter, effective.Targets, "LoRA");
        foreach (Module layer in layers)
        {
            adapter.Attach(layer is Linear linear ? PairOf(linear, adapter.Name, seed) : PairOf((Embedding)layer, adapter.Name, seed));
        }

        adapter.Train(options.Bias switch
        {
            LoRABias.All => model.Parameters().Where(parameter => parameter.IsBias),
            LoRABias.LoraOnly => layers.OfType<Linear>().Select(layer => layer.Bias).OfType<Parameter>(),
            _ => [],
        });
        return adapter.Complete();
    }

    private float Scale => (float)(options.Alpha / (options.RsLora ? Math.Sqrt(options.Rank) : options.Rank));

    private LoRAUpdate PairOf(Linear layer, string adapter, ulong seed)
    {
        Backend backend = layer.Weight.Value.Backend;
        Tensor a = Initializer.KaimingUniform(layer.In).Create([options.Rank, layer.In], seed, $"{layer.Path}.{LoRALayout.PartA}", backend);
        Tensor b = Initializer.Zeros.Create([layer.Out, options.Rank], seed, $"{layer.Path}.{LoRALayout.PartB}", backend);
        return new LoRAUpdate(layer, adapter, a, b, Scale, (float)options.Dropout);
    }

    // For a table it is A that starts at zero, and there is no dropout: what A reads is an id.
    private LoRAEmbeddingUpdate PairOf(Embedding table, string adapter, ulong seed)
    {
        (Shape shape, Backend backend) = (table.Table.Base.Shape, table.Table.Value.Backend);
        Tensor a = Initializer.Zeros.Create([options.Rank, shape[0]], seed, $"{table.Path}.{LoRALayout.EmbeddingA}", backend);
        Tensor b = Initializer.Normal(1f).Create([shape[1], options.Rank], seed, $"{table.Path}.{LoRALayout.EmbeddingB}", backend);
        return new LoRAEmbeddingUpdate(table, adapter, a, b, Scale);
    }
}

/// <summary>The trainable pair A, B beside one linear layer: y + s·B(A·dropout(x)).</summary>
public sealed class LoRAUpdate : LinearUpdate
{
    private readonly float _scale;
    private readonly float _dropout;

    /// <summary>Makes the pair.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="adapter">The adapter's name.</param>
    /// <param name="a">A, [r, in], long-lived.</param>
    /// <param name="b">B, [out, r], long-lived.</param>
    /// <param name="scale">s.</param>
    /// <param name="dropout">Probability of dropping an input.</param>
    public LoRAUpdate(Linear layer, string adapter, Tensor a, Tensor b, float scale, float dropout)
        : base(layer, adapter)
    {
        ArgumentNullException.ThrowIfNull(layer);
        (A, B, _scale, _dropout) = (layer.CreateUpdateWeight(LoRALayout.PartA, a), layer.CreateUpdateWeight(LoRALayout.PartB, b), scale, dropout);
        Parameters = [A, B];
    }

    /// <summary>A, [r, in].</summary>
    public Parameter A { get; }

    /// <summary>B, [out, r].</summary>
    public Parameter B { get; }

    /// <summary>The factor s of the update.</summary>
    public float Scale => _scale;

    /// <inheritdoc/>
    public override IReadOnlyList<Parameter> Parameters { get; }

    /// <inheritdoc/>
    public override Tensor Apply(Tensor x, Tensor y) => Ops.LowRankUpdate(y, x, A, B, _scale, _dropout);

    /// <inheritdoc/>
    public override void Merge()
    {
        using Tape tape = Tape.Begin(record: false, backend: Layer.Weight.Base.Backend);
        Layer.Weight.Base.Backend.AddInto(Change(Layer, A, B, _scale), Layer.Weight.Base);
    }

    /// <summary>s·B·A as the layer stores its weight: [out, in], or [in, out] where it is transposed.</summary>
    internal static Tensor Change(Linear layer, Tensor a, Tensor b, float scale) => layer.Transposed
        ? Ops.Linear(Ops.Scale(Ops.Transpose(a), scale), b)          // [in, r]·[r, out]
        : Ops.Linear(Ops.Scale(b, scale), a, transposed: true);      // [out, r]·[r, in]
}
