using System.Collections.ObjectModel;
using System.ComponentModel.DataAnnotations;
using Hieno.Formats;
using Hieno.Models;
using Hieno.Models.Layers;
using Hieno.Recipes;
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
public sealed record LoRAOptions : AdapterOptions, IValidated
{
    /// <summary>Rank r of the update; trainable weights grow linearly with it. Default 8.</summary>
    [Range(1, 4096)]
    public int Rank { get; init; } = 8;

    /// <summary>Numerator of the update's scale α / r. Default 16.</summary>
    [Range(1e-3, 1e6)]
    public double Alpha { get; init; } = 16;

    /// <summary>Layers with a rank of their own: patterns of the ends of their paths, such as q_proj, of which the first that matches counts. Default: none.</summary>
    public IReadOnlyDictionary<string, int> Ranks { get; init; } = ReadOnlyDictionary<string, int>.Empty;

    /// <summary>Layers with an α of their own, by pattern as in 'ranks'. Default: none.</summary>
    public IReadOnlyDictionary<string, double> Alphas { get; init; } = ReadOnlyDictionary<string, double>.Empty;

    /// <summary>Probability of dropping an input of the update (the base path is never dropped). Default 0.</summary>
    [Range(0.0, 0.95)]
    public double Dropout { get; init; }

    /// <summary>True scales by α / √r instead of α / r, which keeps high ranks stable (Kalajdzievski 2023). Default false.</summary>
    public bool RsLora { get; init; }

    /// <summary>Endings of the names of the layers and tables to adapt, or all-linear for every linear layer below the head. Default: the family's usual ones.</summary>
    public IReadOnlyList<string> Targets { get; init; } = [];

    /// <summary>Which offsets learn as well: none, all, lora-only. Default none.</summary>
    public LoRABias Bias { get; init; } = LoRABias.None;

    /// <summary>
    /// What the pairs start from: kaiming, gaussian, pissa, olora. The last two begin with the strongest part of the weight, and need the same
    /// base to be read again. Default kaiming.
    /// </summary>
    public LoRAStart Initialization { get; init; } = LoRAStart.Kaiming;

    /// <summary>True trains the length of each output's weights apart from their direction (DoRA). Default false.</summary>
    public bool Dora { get; init; }

    /// <summary>Numbers of the blocks whose layers are adapted, from 0. Default: all.</summary>
    public IReadOnlyList<int> Layers { get; init; } = [];

    /// <summary>How many times as fast as A the matrices B (and offsets, and other vectors) learn: λ of LoRA+, where 16 is usual. Default 1.</summary>
    [Range(1.0, 1024.0)]
    public double PlusRatio { get; init; } = 1;

    /// <inheritdoc/>
    protected internal override PeftLayout Layout => new LoRALayout();

    /// <inheritdoc/>
    public override ITuningMethod Create() => new LoRA(this);

    /// <summary>Rank and α of each layer.</summary>
    internal LayerRanks LayerRanks => new(Rank, Alpha, Ranks, Alphas);

    /// <inheritdoc/>
    public IEnumerable<string> Validate()
    {
        foreach (string fault in LayerRanks.Faults())
        {
            yield return fault;
        }

        if (Dora && Initialization is (LoRAStart.Pissa or LoRAStart.Olora))
        {
            yield return $"'dora' and 'initialization: {Initialization.ToString().ToLowerInvariant()}' exclude each other: both rewrite the weight. Give one of them.";
        }
    }
}

/// <summary>Low-rank adaptation: W stays frozen and y = Wx + b + s·B(A·dropout(x)) learns through A and B only, with s = α / r.</summary>
/// <remarks>
/// Hu et al. 2021, <see href="https://arxiv.org/abs/2106.09685"/>, section 4.1. A starts Kaiming-uniform, B at zero, so that the first step
/// starts from the base model exactly. rsLoRA: Kalajdzievski 2023, <see href="https://arxiv.org/abs/2312.03732"/>. LoRA+: Hayou et al. 2024,
/// <see href="https://arxiv.org/abs/2402.12354"/>, section 4.
/// </remarks>
public sealed class LoRA(LoRAOptions options) : ITuningMethod
{
    private readonly LayerRanks _ranks = options.LayerRanks;

    /// <inheritdoc/>
    public TunedModel Apply(PretrainedModel model, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(model);
        LoRAOptions effective = options.Targets.Count > 0 ? options : options with { Targets = model.DefaultTargets };
        var adapter = Adapter.Begin(model, effective, "LoRA");
        Module[] layers = [.. LayerTargets.Find<Module>(adapter, effective.Targets, "LoRA").Where(IsInLayers)];
        if (layers.Length == 0)
        {
            throw new TuningException(ErrorCodes.TuningTargetUnknown, "LoRA", $"blocks {string.Join(", ", options.Layers)} hold none of the targets; this model has {model.Blocks.Count} blocks, counted from 0", "Correct 'tuning.layers'");
        }

        _ranks.ThrowIfIdle([.. layers.Select(layer => layer.Path)], "LoRA");
        foreach (Module layer in layers)
        {
            switch (layer)
            {
                case Linear linear:
                    AttachPair(adapter, linear, seed);
                    break;
                case Convolution convolution:
                    adapter.Attach(PairOf(convolution, adapter.Name, seed));
                    break;
                default:
                    adapter.Attach(PairOf((Embedding)layer, adapter.Name, seed));
                    break;
            }
        }

        adapter.Train(options.Bias switch
        {
            LoRABias.All => model.Parameters().Where(parameter => parameter.IsBias),
            LoRABias.LoraOnly => layers.Select(BiasOf).OfType<Parameter>(),
            _ => [],
        });
        foreach (Parameter parameter in adapter.Parameters().Where(LearnsFaster))
        {
            parameter.LearningRateFactor = options.PlusRatio;
        }

        return adapter.Complete();
    }

    private static bool LearnsFaster(Parameter parameter) =>
        parameter.Value.Shape.Rank == 1 || parameter.Name.EndsWith(LoRALayout.PartB, StringComparison.Ordinal);

    private float ScaleOf(Module layer)
    {
        int rank = _ranks.RankOf(layer.Path);
        return (float)(_ranks.AlphaOf(layer.Path) / (options.RsLora ? Math.Sqrt(rank) : rank));
    }

    private bool IsInLayers(Module layer) =>
        options.Layers.Count == 0 || (layer is not Embedding && LayerTargets.WeightOf(layer) is { } weight && options.Layers.Contains(weight.Depth - 1));

    private static Parameter? BiasOf(Module layer) => layer switch { Linear linear => linear.Bias, Convolution convolution => convolution.Bias, _ => null };

    private void AttachPair(Adapter adapter, Linear layer, ulong seed)
    {
        int rank = _ranks.RankOf(layer.Path);
        if (options.Initialization is LoRAStart.Pissa or LoRAStart.Olora)
        {
            AttachPrincipal(adapter, layer, rank);
            return;
        }

        Backend backend = layer.Weight.Value.Backend;
        Initializer start = options.Initialization == LoRAStart.Gaussian ? Initializer.Normal(1f / rank) : Initializer.KaimingUniform(layer.In);
        Tensor a = start.Create([rank, layer.In], seed, $"{layer.Path}.{LoRALayout.PartA}", backend);
        Tensor b = Initializer.Zeros.Create([layer.Out, rank], seed, $"{layer.Path}.{LoRALayout.PartB}", backend);
        adapter.Attach(options.Dora
            ? new DoRAUpdate(layer, adapter.Name, a, b, magnitude: null, ScaleOf(layer), (float)options.Dropout)
            : new LoRAUpdate(layer, adapter.Name, a, b, ScaleOf(layer), (float)options.Dropout));
    }

    private void AttachPrincipal(Adapter adapter, Linear layer, int rank)
    {
        (int most, float scale) = (Math.Min(layer.In, layer.Out), ScaleOf(layer));
        if (rank > most)
        {
            throw new TuningException(ErrorCodes.TuningTargetUnknown, "LoRA", $"{layer.Path} is [{layer.Out}, {layer.In}], so it has {most} directions, not {rank}", $"Set 'tuning.rank' to {most} or less, or choose another 'tuning.initialization'");
        }

        (Tensor a, Tensor b) = PrincipalPair.Of(layer, options.Initialization, rank, scale);
        adapter.Attach(new LoRAStartUpdate(layer, adapter.Name, a, b, scale));
        adapter.Attach(new LoRAUpdate(layer, adapter.Name, CopyOf(a), CopyOf(b), scale, (float)options.Dropout));
    }

    private static Tensor CopyOf(Tensor tensor)
    {
        Tensor copy = Tensor.CreateLongLived(tensor.Shape, DType.F32, tensor.Backend);
        tensor.Backend.Copy(tensor, copy);
        return copy;
    }

    private LoRAConvolutionUpdate PairOf(Convolution layer, string adapter, ulong seed)
    {
        if (options.Dora || options.Initialization is LoRAStart.Pissa or LoRAStart.Olora)
        {
            string setting = options.Dora ? "'tuning.dora'" : $"'tuning.initialization: {options.Initialization.ToString().ToLowerInvariant()}'";
            throw new TuningException(ErrorCodes.TuningTargetUnknown, "LoRA", $"{layer.Path} is a convolution, and {setting} is for linear layers", "Leave the setting out, or name linear layers in 'tuning.targets'");
        }

        (int rank, Backend backend) = (_ranks.RankOf(layer.Path), layer.Weight.Value.Backend);
        int depth = layer.Channels * layer.Kernel.Height * layer.Kernel.Width;
        Initializer start = options.Initialization == LoRAStart.Gaussian ? Initializer.Normal(1f / rank) : Initializer.KaimingUniform(depth);
        Tensor a = start.Create(LoRAConvolutionUpdate.ShapeOfA(layer, rank), seed, $"{layer.Path}.{LoRALayout.PartA}", backend);
        Tensor b = Initializer.Zeros.Create(LoRAConvolutionUpdate.ShapeOfB(layer, rank), seed, $"{layer.Path}.{LoRALayout.PartB}", backend);
        return new LoRAConvolutionUpdate(layer, adapter, a, b, ScaleOf(layer), (float)options.Dropout);
    }

    // For a table it is A that starts at zero, and there is no dropout: what A reads is an id.
    private LoRAEmbeddingUpdate PairOf(Embedding table, string adapter, ulong seed)
    {
        (Shape shape, Backend backend, int rank) = (table.Table.Base.Shape, table.Table.Value.Backend, _ranks.RankOf(table.Path));
        Tensor a = Initializer.Zeros.Create([rank, shape[0]], seed, $"{table.Path}.{LoRALayout.EmbeddingA}", backend);
        Tensor b = Initializer.Normal(1f).Create([shape[1], rank], seed, $"{table.Path}.{LoRALayout.EmbeddingB}", backend);
        return new LoRAEmbeddingUpdate(table, adapter, a, b, ScaleOf(table));
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
