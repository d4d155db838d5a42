using System.ComponentModel.DataAnnotations;
using Hieno.Formats.Peft;
using Hieno.Models;
using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Tuning;

/// <summary>Settings of <see cref="HRA"/>.</summary>
public sealed record HRAOptions : LayerAdapterOptions
{
    /// <summary>Number r of reflections; even ones start as pairs that undo each other. Default 8.</summary>
    [Range(1, 4096)]
    public int Rank { get; init; } = 8;

    /// <summary>
    /// True reflects at the span of the vectors, which become orthonormal, instead of at one after the other. The first step then does not start from
    /// the base model. Default false.
    /// </summary>
    public bool Orthogonal { get; init; }

    /// <inheritdoc/>
    protected internal override PeftLayout Layout => new HRALayout();

    /// <inheritdoc/>
    public override ITuningMethod Create() => new HRA(this);
}

/// <summary>Householder reflection adaptation: W' = W·H₁ … H_r with H = I − 2uuᵀ/‖u‖², one learned vector u for each reflection.</summary>
/// <remarks>
/// Yuan et al. 2024, <see href="https://arxiv.org/abs/2405.17484"/>, sections 3.1 and 3.2. Each vector starts twice, so that the reflections
/// undo each other and the first step starts from the base model, but for rounding.
/// </remarks>
public sealed class HRA(HRAOptions options) : ITuningMethod
{
    /// <inheritdoc/>
    public TunedModel Apply(PretrainedModel model, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(model);
        HRAOptions effective = options.Targets.Count > 0 ? options : options with { Targets = model.DefaultTargets };
        var adapter = Adapter.Begin(model, effective, "HRA");
        foreach (Linear layer in LayerTargets.Find<Linear>(adapter, effective.Targets, "HRA"))
        {
            bool pairs = effective.Rank % 2 == 0 && !effective.Orthogonal;
            int drawn = pairs ? effective.Rank / 2 : effective.Rank;
            Tensor half = Initializer.KaimingUniform(drawn).Create([layer.In, drawn], seed, $"{layer.Path}.{HRALayout.Part}", layer.Weight.Value.Backend);
            adapter.Attach(new HRAUpdate(layer, adapter.Name, pairs ? Doubled(half) : half, effective.Orthogonal));
        }

        return adapter.Complete();
    }

    // Column j of the result is column j / 2.
    private static Tensor Doubled(Tensor half)
    {
        float[] values = half.ToArray();
        float[] twice = new float[2 * values.Length];
        for (int i = 0; i < twice.Length; i++)
        {
            twice[i] = values[i / 2];
        }

        Tensor tensor = Tensor.CreateLongLived([half.Rows, 2 * half.Columns], DType.F32, half.Backend);
        tensor.Backend.CopyFromHost(twice, tensor);
        return tensor;
    }
}

/// <summary>The vectors u of one layer's reflections, [in, r].</summary>
/// <remarks>
/// The product of reflections is I − U·T·Uᵀ with T⁻¹ = ½·diag(UᵀU) + what lies above the diagonal of UᵀU (Joffrain et al. 2006,
/// <see href="https://doi.org/10.1145/1141885.1141886"/>), so that it costs as much as a low-rank update. With T⁻¹ = ½·UᵀU it is the reflection
/// at the vectors' span.
/// </remarks>
public sealed class HRAUpdate : InputRotation
{
    private readonly Parameter _u;
    private readonly float[] _mask;

    /// <summary>Makes the update.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="adapter">The adapter's name.</param>
    /// <param name="u">U, [in, r], long-lived; no column may be zero.</param>
    /// <param name="orthogonal">True reflects at the span of the columns.</param>
    public HRAUpdate(Linear layer, string adapter, Tensor u, bool orthogonal)
        : base(layer, adapter)
    {
        ArgumentNullException.ThrowIfNull(layer);
        ArgumentNullException.ThrowIfNull(u);
        _u = layer.CreateUpdateWeight(HRALayout.Part, u);
        int r = u.Columns;
        _mask = [.. Enumerable.Range(0, r * r).Select(i => orthogonal || i / r == i % r ? 0.5f : i / r < i % r ? 1f : 0f)];
        Parameters = [_u];
    }

    /// <inheritdoc/>
    public override IReadOnlyList<Parameter> Parameters { get; }

    /// <inheritdoc/>
    protected override Tensor Rotate(Tensor rows, bool back)
    {
        Tensor across = Ops.Transpose(_u); // [r, in]
        Tensor gram = Ops.Linear(across, across);
        Tensor t = Ops.BlockInverse(Ops.Mul(gram, Tensor.FromValues(gram.Shape, _mask, gram.Backend)));
        Tensor low = Ops.Linear(Ops.Linear(rows, across), t, transposed: back); // (rows·U)·Tᵀ, or ·T on the way back
        return Ops.Add(rows, Ops.Scale(Ops.Linear(low, _u), -1f));
    }
}

/// <summary>HRA adapters in PEFT's files.</summary>
internal sealed class HRALayout : PeftLayout
{
    public const string Part = "hra_u";

    /// <inheritdoc/>
    public override string PeftType => "HRA";

    /// <inheritdoc/>
    public override AdapterOptions ReadOptions(PeftAdapterConfig config) => new HRAOptions
    {
        Rank = config.Settings!.GetInt("r", 8),
        Orthogonal = config.Settings.GetBool("apply_GS", false),
        Targets = PeftSettings.Targets(config),
        ModulesToSave = PeftSettings.ModulesToSave(config),
    };

    /// <inheritdoc/>
    public override void ReadParts(Adapter adapter, AdapterWeights weights)
    {
        var options = (HRAOptions)adapter.Options;
        foreach (string path in weights.PathsWith(Part))
        {
            Linear layer = weights.ModuleAt<Linear>(path);
            adapter.Attach(new HRAUpdate(layer, adapter.Name, weights.Take(path, Part, [layer.In, options.Rank]), options.Orthogonal));
        }
    }

    /// <inheritdoc/>
    public override PeftAdapterConfig Describe(Adapter adapter)
    {
        var options = (HRAOptions)adapter.Options;
        return PeftSettings.Describe(adapter, [
            ("r", options.Rank), ("apply_GS", options.Orthogonal), ("bias", "none"), ("init_weights", true), .. PeftSettings.AllLayers]);
    }
}
