using System.ComponentModel.DataAnnotations;
using Hieno.Formats;
using Hieno.Formats.Peft;
using Hieno.Models;
using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Tuning;

/// <summary>Settings of <see cref="VeRA"/>.</summary>
public sealed record VeRAOptions : LayerAdapterOptions
{
    /// <summary>Rank r of the shared projections; r + out numbers learn for each layer. Default 256.</summary>
    [Range(1, 65536)]
    public int Rank { get; init; } = 256;

    /// <summary>What the inner vector d starts from. Default 0.1.</summary>
    [Range(1e-7, 10.0)]
    public double InitialD { get; init; } = 0.1;

    /// <summary>Probability of dropping an input of the update. Default 0.</summary>
    [Range(0.0, 0.95)]
    public double Dropout { get; init; }

    /// <summary>The seed of the projections, apart from the run's: PyTorch draws the same numbers from it. Default 0.</summary>
    [Range(0, int.MaxValue)]
    public int ProjectionSeed { get; init; }

    /// <summary>True saves the projections with the adapter; false saves the seed only, and a reader draws them again. Default true.</summary>
    public bool SaveProjection { get; init; } = true;

    /// <inheritdoc/>
    protected internal override double DefaultLearningRate => 4e-3;

    /// <inheritdoc/>
    protected internal override PeftLayout Layout => new VeRALayout { SavesProjection = SaveProjection };

    /// <inheritdoc/>
    public override ITuningMethod Create() => new VeRA(this);
}

/// <summary>
/// VeRA: all layers share one frozen pair of random projections A, B; what learns are two vectors for each layer,
/// y = Wx + offset + b ∘ B(d ∘ A·dropout(x)).
/// </summary>
/// <remarks>
/// Kopiczko et al. 2023, <see href="https://arxiv.org/abs/2310.11454"/>, section 3. b starts at 0, so that the first step starts from the base
/// model exactly. A layer takes the first columns of A and the first rows of B that fit it.
/// </remarks>
public sealed class VeRA(VeRAOptions options) : ITuningMethod
{
    /// <inheritdoc/>
    public TunedModel Apply(PretrainedModel model, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(model);
        VeRAOptions effective = options.Targets.Count > 0 ? options : options with { Targets = model.DefaultTargets };
        var adapter = Adapter.Begin(model, effective, "VeRA");
        IReadOnlyList<Linear> layers = LayerTargets.Find<Linear>(adapter, effective.Targets, "VeRA");
        var shared = VeRAProjection.Draw(effective, layers.Max(layer => layer.In), layers.Max(layer => layer.Out), layers[0].Weight.Value.Backend);
        foreach (Linear layer in layers)
        {
            Tensor d = Tensor.CreateLongLived([effective.Rank], DType.F32, layer.Weight.Value.Backend);
            d.Backend.Fill(d, (float)effective.InitialD);
            Tensor b = Tensor.CreateLongLived([layer.Out], DType.F32, layer.Weight.Value.Backend);
            adapter.Attach(new VeRAUpdate(layer, adapter.Name, shared, d, b, (float)effective.Dropout));
        }

        return adapter.Complete();
    }
}

/// <summary>The frozen projections that all layers of a VeRA adapter share.</summary>
public sealed class VeRAProjection
{
    /// <summary>Takes the projections.</summary>
    /// <param name="a">A, [r, widest input], long-lived.</param>
    /// <param name="b">B, [widest output, r], long-lived.</param>
    public VeRAProjection(Tensor a, Tensor b) => (A, B) = (new Parameter(VeRALayout.SharedA, a), new Parameter(VeRALayout.SharedB, b));

    /// <summary>A, [r, widest input].</summary>
    public Parameter A { get; }

    /// <summary>B, [widest output, r].</summary>
    public Parameter B { get; }

    /// <summary>The projections of a seed: uniform with a standard deviation of √(2 / columns), A first, the numbers that PyTorch's generator gives.</summary>
    internal static VeRAProjection Draw(VeRAOptions options, int inputs, int outputs, Backend backend)
    {
        var generator = new TorchGenerator((uint)options.ProjectionSeed);
        Tensor a = Uniform(generator, options.Rank, inputs, backend);
        return new VeRAProjection(a, Uniform(generator, outputs, options.Rank, backend));
    }

    private static Tensor Uniform(TorchGenerator generator, int rows, int columns, Backend backend)
    {
        float[] values = new float[rows * columns];
        generator.FillUniform(values, (float)(Math.Sqrt(3.0) * (Math.Sqrt(2.0) / Math.Sqrt(columns))));
        Tensor tensor = Tensor.CreateLongLived([rows, columns], DType.F32, backend);
        backend.CopyFromHost(values, tensor);
        return tensor;
    }
}

/// <summary>The vectors d and b of one layer.</summary>
public sealed class VeRAUpdate : LinearUpdate
{
    private readonly VeRAProjection _shared;
    private readonly Parameter _d;
    private readonly Parameter _b;
    private readonly float _dropout;

    /// <summary>Makes the update.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="adapter">The adapter's name.</param>
    /// <param name="shared">The projections, at least as wide as the layer.</param>
    /// <param name="d">d, [r], long-lived.</param>
    /// <param name="b">b, [out], long-lived.</param>
    /// <param name="dropout">Probability of dropping an input.</param>
    public VeRAUpdate(Linear layer, string adapter, VeRAProjection shared, Tensor d, Tensor b, float dropout)
        : base(layer, adapter)
    {
        ArgumentNullException.ThrowIfNull(layer);
        ArgumentNullException.ThrowIfNull(shared);
        (_shared, _dropout) = (shared, dropout);
        (_d, _b) = (layer.CreateUpdateWeight(VeRALayout.PartD, d), layer.CreateUpdateWeight(VeRALayout.PartB, b));
        Parameters = [_b, _d];
        Constants = [shared.A, shared.B];
    }

    /// <inheritdoc/>
    public override IReadOnlyList<Parameter> Parameters { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<Parameter> Constants { get; }

    /// <inheritdoc/>
    public override Tensor Apply(Tensor x, Tensor y)
    {
        Tensor low = Ops.ScaleColumns(Ops.Linear(Ops.Dropout(x, _dropout), A), _d); // [N, r]
        return Ops.Add(y, Ops.ScaleColumns(Ops.Linear(low, B), _b));                // [N, out]
    }

    /// <inheritdoc/>
    public override void Merge() => StoredWeight.Rewrite(Layer, weight =>
    {
        Tensor change = Ops.Linear(Ops.ScaleColumns(B, _d), A, transposed: true); // [out, r]·[r, in]
        return StoredWeight.Add(Layer, weight, Ops.Transpose(Ops.ScaleColumns(Ops.Transpose(change), _b)));
    });

    private Tensor A => _shared.A.Value.ColumnRange(0, Layer.In);

    private Tensor B => _shared.B.Value.RowRange(0, Layer.Out);
}

/// <summary>VeRA adapters in PEFT's files.</summary>
internal sealed class VeRALayout : PeftLayout
{
    public const string PartD = "vera_lambda_d";
    public const string PartB = "vera_lambda_b";
    public const string SharedA = "base_model.vera_A";
    public const string SharedB = "base_model.vera_B";

    /// <summary>True writes the projections.</summary>
    public bool SavesProjection { get; init; } = true;

    /// <inheritdoc/>
    public override string PeftType => "VERA";

    /// <inheritdoc/>
    public override AdapterOptions ReadOptions(PeftAdapterConfig config)
    {
        ModelConfig file = config.Settings!;
        return new VeRAOptions
        {
            Rank = file.GetInt("r", 256),
            InitialD = file.GetDouble("d_initial", 0.1),
            Dropout = file.GetDouble("vera_dropout", 0),
            ProjectionSeed = file.GetInt("projection_prng_key", 0),
            SaveProjection = file.GetBool("save_projection", true),
            Targets = PeftSettings.Targets(config),
            ModulesToSave = PeftSettings.ModulesToSave(config),
        };
    }

    /// <inheritdoc/>
    public override void ReadParts(Adapter adapter, AdapterWeights weights)
    {
        var options = (VeRAOptions)adapter.Options;
        string[] paths = [.. weights.PathsWith(PartD)];
        Linear[] layers = [.. paths.Select(weights.ModuleAt<Linear>)];
        if (layers.Length == 0)
        {
            return;
        }

        (int inputs, int outputs) = (layers.Max(layer => layer.In), layers.Max(layer => layer.Out));
        VeRAProjection shared = weights.Has(SharedA)
            ? new VeRAProjection(weights.Take(SharedA, [options.Rank, inputs]), weights.Take(SharedB, [outputs, options.Rank]))
            : VeRAProjection.Draw(options, inputs, outputs, layers[0].Weight.Value.Backend);
        for (int i = 0; i < layers.Length; i++)
        {
            (Tensor d, Tensor b) = (weights.Take(paths[i], PartD, [options.Rank]), weights.Take(paths[i], PartB, [layers[i].Out]));
            adapter.Attach(new VeRAUpdate(layers[i], adapter.Name, shared, d, b, (float)options.Dropout));
        }
    }

    /// <inheritdoc/>
    public override string? NameOf(Parameter weight)
    {
        ArgumentNullException.ThrowIfNull(weight);
        bool isShared = weight.Name is SharedA or SharedB;
        return !isShared ? base.NameOf(weight) : SavesProjection ? weight.Name : null;
    }

    /// <inheritdoc/>
    public override PeftAdapterConfig Describe(Adapter adapter)
    {
        var options = (VeRAOptions)adapter.Options;
        return PeftSettings.Describe(adapter, [
            ("r", options.Rank), ("d_initial", options.InitialD), ("vera_dropout", options.Dropout), ("projection_prng_key", options.ProjectionSeed),
            ("save_projection", options.SaveProjection), ("bias", "none"), ("init_weights", true), PeftSettings.FanInFanOut(adapter), .. PeftSettings.AllLayers]);
    }
}
