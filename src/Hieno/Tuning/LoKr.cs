using System.Collections.ObjectModel;
using System.ComponentModel.DataAnnotations;
using Hieno.Formats;
using Hieno.Formats.Peft;
using Hieno.Models;
using Hieno.Models.Layers;
using Hieno.Recipes;
using Hieno.Tensors;

namespace Hieno.Tuning;

/// <summary>Settings of <see cref="LoKr"/>.</summary>
public sealed record LoKrOptions : LayerAdapterOptions, IValidated
{
    /// <summary>Rank r of a factor that is large enough to be a product of low rank itself: one with a side of more than 2r. Default 8.</summary>
    [Range(1, 4096)]
    public int Rank { get; init; } = 8;

    /// <summary>Numerator of the update's scale α / r. Default 8.</summary>
    [Range(1e-3, 1e6)]
    public double Alpha { get; init; } = 8;

    /// <summary>Layers with a rank of their own: patterns of the ends of their paths, such as q_proj, of which the first that matches counts. Default: none.</summary>
    public IReadOnlyDictionary<string, int> Ranks { get; init; } = ReadOnlyDictionary<string, int>.Empty;

    /// <summary>Layers with an α of their own, by pattern as in 'ranks'. Default: none.</summary>
    public IReadOnlyDictionary<string, double> Alphas { get; init; } = ReadOnlyDictionary<string, double>.Empty;

    /// <summary>Side of the first factor; −1 takes the divisors of the widths nearest to their roots. Default −1.</summary>
    [Range(-1, 65536)]
    public int Factor { get; init; } = -1;

    /// <summary>True lets the first factor be a product of low rank as well. Default false.</summary>
    public bool DecomposeBoth { get; init; }

    /// <inheritdoc/>
    protected internal override PeftLayout Layout => new LoKrLayout();

    /// <inheritdoc/>
    public override ITuningMethod Create() => new LoKr(this);

    /// <inheritdoc/>
    public IEnumerable<string> Validate() => LayerRanks.Faults();

    /// <summary>Rank and α of each layer.</summary>
    internal LayerRanks LayerRanks => new(Rank, Alpha, Ranks, Alphas);
}

/// <summary>LoKr: ΔW = s·C ⊗ D, a Kronecker product of two small matrices, D or both as products of low rank, with s = α / r.</summary>
/// <remarks>
/// Edalati et al. 2022 (KronA), <see href="https://arxiv.org/abs/2212.10650"/>; as an adapter in LyCORIS (Yeh et al. 2023,
/// <see href="https://arxiv.org/abs/2309.14859"/>). C starts at 0, so that the first step starts from the base model exactly.
/// </remarks>
public sealed class LoKr(LoKrOptions options) : ITuningMethod
{
    /// <inheritdoc/>
    public TunedModel Apply(PretrainedModel model, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(model);
        LoKrOptions effective = options.Targets.Count > 0 ? options : options with { Targets = model.DefaultTargets };
        var adapter = Adapter.Begin(model, effective, "LoKr");
        IReadOnlyList<Linear> layers = LayerTargets.Find<Linear>(adapter, effective.Targets, "LoKr");
        LayerRanks ranks = effective.LayerRanks;
        ranks.ThrowIfIdle([.. layers.Select(layer => layer.Path)], "LoKr");
        foreach (Linear layer in layers)
        {
            Tensor Draw(string name, Shape shape) => (name is LoKrLayout.C or LoKrLayout.C + LoKrLayout.Left ? Initializer.Zeros : Initializer.KaimingUniform(shape[1]))
                .Create(shape, seed, $"{layer.Path}.{name}", layer.Weight.Value.Backend);
            (int rows, int innerRows) = Split(layer.Out, effective.Factor);
            (int columns, int innerColumns) = Split(layer.In, effective.Factor);
            int r = ranks.RankOf(layer.Path);
            bool lowC = effective.DecomposeBoth && 2 * r < Math.Max(rows, columns);
            bool lowD = 2 * r < Math.Max(innerRows, innerColumns);
            adapter.Attach(new LoKrUpdate(
                layer,
                adapter.Name,
                LoKrFactor.Create(layer, LoKrLayout.C, rows, columns, lowC ? r : null, Draw),
                LoKrFactor.Create(layer, LoKrLayout.D, innerRows, innerColumns, lowD ? r : null, Draw),
                (float)(ranks.AlphaOf(layer.Path) / r)));
        }

        return adapter.Complete();
    }

    /// <summary>A width as a product m·n with m ≤ n: m is <paramref name="factor"/> where that divides it, else the largest divisor that is not larger.</summary>
    internal static (int M, int N) Split(int width, int factor)
    {
        if (factor > 0 && width % factor == 0)
        {
            return (factor, width / factor);
        }

        int m = 1;
        int limit = factor < 0 ? width : factor;
        for (int divisor = 2; divisor <= limit && (long)divisor * divisor <= width; divisor++)
        {
            m = width % divisor == 0 ? divisor : m;
        }

        return (m, width / m);
    }
}

/// <summary>One side of a Kronecker product: a matrix, or a product of low rank.</summary>
internal sealed class LoKrFactor
{
    private LoKrFactor(IReadOnlyList<Parameter> parts) => Parts = parts;

    /// <summary>The matrix, or its two factors.</summary>
    public IReadOnlyList<Parameter> Parts { get; }

    /// <summary>The matrix.</summary>
    public Tensor Value => Parts.Count == 1 ? Parts[0] : Ops.Linear(Parts[0], Parts[1], transposed: true);

    /// <summary>Makes a factor of the tensors that <paramref name="tensorOf"/> gives.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="name">What it is called in files.</param>
    /// <param name="rows">Its height.</param>
    /// <param name="columns">Its width.</param>
    /// <param name="rank">The rank, or null for a plain matrix.</param>
    /// <param name="tensorOf">The tensor of a name and shape.</param>
    public static LoKrFactor Create(Linear layer, string name, int rows, int columns, int? rank, Func<string, Shape, Tensor> tensorOf)
    {
        Parameter Part(string full, Shape shape) => layer.CreateUpdateWeight(full, tensorOf(full, shape));
        return new LoKrFactor(rank is { } r
            ? [Part(name + LoKrLayout.Left, [rows, r]), Part(name + LoKrLayout.Right, [r, columns])]
            : [Part(name, [rows, columns])]);
    }
}

/// <summary>The two factors C, D of one layer.</summary>
public sealed class LoKrUpdate : LinearUpdate
{
    private readonly LoKrFactor _c;
    private readonly LoKrFactor _d;
    private readonly float _scale;

    internal LoKrUpdate(Linear layer, string adapter, LoKrFactor c, LoKrFactor d, float scale)
        : base(layer, adapter)
    {
        (_c, _d, _scale) = (c, d, scale);
        Parameters = [.. c.Parts, .. d.Parts];
    }

    /// <inheritdoc/>
    public override IReadOnlyList<Parameter> Parameters { get; }

    /// <inheritdoc/>
    public override LinearUpdateForm Form => LinearUpdateForm.AddsToWeight;

    /// <inheritdoc/>
    public override Tensor TransformWeight(Tensor weight) => StoredWeight.Add(Layer, weight, Kronecker(Ops.Scale(_c.Value, _scale), _d.Value));

    /// <inheritdoc/>
    public override void Merge() => StoredWeight.Rewrite(Layer, TransformWeight);

    // All products of a number of C with one of D, [rows·columns, inner rows·inner columns]; then each piece of inner columns in its place:
    // (row, column, inner row) becomes (row, inner row, column).
    private static Tensor Kronecker(Tensor c, Tensor d)
    {
        (int rows, int columns, int innerRows, int innerColumns) = (c.Shape[0], c.Shape[1], d.Shape[0], d.Shape[1]);
        Tensor products = Ops.Linear(Ops.Reshape(c, [rows * columns, 1]), Ops.Reshape(d, [innerRows * innerColumns, 1]));
        int[] order = new int[rows * columns * innerRows];
        for (int i = 0; i < order.Length; i++)
        {
            (int row, int innerRow, int column) = (i / (innerRows * columns), i / columns % innerRows, i % columns);
            order[i] = (((row * columns) + column) * innerRows) + innerRow;
        }

        return Ops.Reshape(Ops.Rows(Ops.Reshape(products, [order.Length, innerColumns]), order), [rows * innerRows, columns * innerColumns]);
    }
}

/// <summary>LoKr adapters in PEFT's files.</summary>
internal sealed class LoKrLayout : PeftLayout
{
    public const string C = "lokr_w1";
    public const string D = "lokr_w2";
    public const string Left = "_a";
    public const string Right = "_b";

    /// <inheritdoc/>
    public override string PeftType => "LOKR";

    /// <inheritdoc/>
    public override AdapterOptions ReadOptions(PeftAdapterConfig config) => new LoKrOptions
    {
        Rank = config.Settings!.GetInt("r", 8),
        Alpha = config.Settings.GetDouble("alpha", 8),
        Factor = config.Settings.GetInt("decompose_factor", -1),
        DecomposeBoth = config.Settings.GetBool("decompose_both", false),
        Targets = PeftSettings.Targets(config),
        ModulesToSave = PeftSettings.ModulesToSave(config),
    };

    /// <inheritdoc/>
    public override void ReadParts(Adapter adapter, AdapterWeights weights)
    {
        (var options, PeftAdapterConfig config) = ((LoKrOptions)adapter.Options, adapter.Source!);

        // Until version 0.13.2 PEFT left the scale out; the next one, which put it in, also began to write this key.
        bool scaled = config.Settings!.Has("rank_dropout_scale");
        string[] paths = [.. weights.PathsWith(C).Concat(weights.PathsWith(C + Left)).Distinct(StringComparer.Ordinal)];
        foreach (string path in paths)
        {
            Linear layer = weights.ModuleAt<Linear>(path);
            (int rows, int innerRows) = LoKr.Split(layer.Out, options.Factor);
            (int columns, int innerColumns) = LoKr.Split(layer.In, options.Factor);
            int r = (int)PeftSettings.Of(config, "rank_pattern", path, options.Rank);
            PeftSettings.ThrowIf(config, r < 1, $"the rank of '{path}' is {r}");
            Tensor Take(string name, Shape shape) => weights.Take(path, name, shape);
            var c = LoKrFactor.Create(layer, C, rows, columns, weights.Has(path, C) ? null : r, Take);
            var d = LoKrFactor.Create(layer, D, innerRows, innerColumns, weights.Has(path, D) ? null : r, Take);
            float scale = scaled ? (float)(PeftSettings.Of(config, "alpha_pattern", path, options.Alpha) / r) : 1f;
            adapter.Attach(new LoKrUpdate(layer, adapter.Name, c, d, scale));
        }
    }

    /// <inheritdoc/>
    public override PeftAdapterConfig Describe(Adapter adapter)
    {
        var options = (LoKrOptions)adapter.Options;
        (IReadOnlyDictionary<string, int> ranks, IReadOnlyDictionary<string, double> alphas) = options.LayerRanks.ForPeft(adapter.Parts.Select(part => part.Place.Path));
        return PeftSettings.Describe(adapter, [
            ("r", options.Rank), ("alpha", options.Alpha), ("decompose_factor", options.Factor), ("decompose_both", options.DecomposeBoth),
            ("rank_dropout", 0.0), ("rank_dropout_scale", false), ("module_dropout", 0.0), ("use_effective_conv2d", false), ("init_weights", true),
            ("rank_pattern", ranks), ("alpha_pattern", alphas), .. PeftSettings.AllLayers]);
    }
}
