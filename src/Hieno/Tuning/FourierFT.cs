using System.ComponentModel.DataAnnotations;
using Hieno.Formats;
using Hieno.Formats.Peft;
using Hieno.Models;
using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Tuning;

/// <summary>Settings of <see cref="FourierFT"/>.</summary>
public sealed record FourierFTOptions : LayerAdapterOptions
{
    /// <summary>Number n of frequencies that learn in each layer, at most in·out. Default 1000.</summary>
    [Range(1, 1_000_000)]
    public int Frequencies { get; init; } = 1000;

    /// <summary>Factor α of the change. Default 150; larger models take 300.</summary>
    [Range(1e-3, 1e6)]
    public double Scaling { get; init; } = 150;

    /// <summary>The seed of the frequencies' places, apart from the run's: PyTorch draws the same places from it. Default 777.</summary>
    [Range(0, int.MaxValue)]
    public int LocationSeed { get; init; } = 777;

    /// <summary>True starts the coefficients at 0, so that the first step starts from the base model exactly; false from N(0, 1), as the paper does. Default false.</summary>
    public bool ZeroStart { get; init; }

    /// <inheritdoc/>
    protected internal override double DefaultLearningRate => 1e-2;

    /// <inheritdoc/>
    protected internal override PeftLayout Layout => new FourierFTLayout();

    /// <inheritdoc/>
    public override ITuningMethod Create() => new FourierFT(this);
}

/// <summary>FourierFT: ΔW is the real part of the inverse two-dimensional Fourier transform of a spectrum with n coefficients that learn, at fixed random places.</summary>
/// <remarks>Gao et al. 2024, <see href="https://arxiv.org/abs/2405.03003"/>, section 3. Layers of the same extents have the same places.</remarks>
public sealed class FourierFT(FourierFTOptions options) : ITuningMethod
{
    /// <inheritdoc/>
    public TunedModel Apply(PretrainedModel model, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(model);
        FourierFTOptions effective = options.Targets.Count > 0 ? options : options with { Targets = model.DefaultTargets };
        var adapter = Adapter.Begin(model, effective, "FourierFT");
        var waves = new FourierWaves.Store(effective);
        foreach (Linear layer in LayerTargets.Find<Linear>(adapter, effective.Targets, "FourierFT"))
        {
            if (effective.Frequencies > (long)layer.In * layer.Out)
            {
                throw new TuningException(
                    ErrorCodes.TuningTargetUnknown, "FourierFT", $"{effective.Frequencies} frequencies were asked for, but '{layer.Path}' has {(long)layer.In * layer.Out}", "Lower 'tuning.frequencies'");
            }

            Initializer start = effective.ZeroStart ? Initializer.Zeros : Initializer.Normal(1f);
            Tensor spectrum = start.Create([effective.Frequencies], seed, $"{layer.Path}.{FourierFTLayout.Part}", layer.Weight.Value.Backend);
            adapter.Attach(new FourierFTUpdate(layer, adapter.Name, spectrum, waves.Of(layer, effective.Frequencies)));
        }

        return adapter.Complete();
    }
}

/// <summary>
/// The waves that the coefficients of a spectrum stand for. Re(e^(2πi(pj/out + qk/in))) = cos·cos − sin·sin, so that ΔW is a product of
/// [out, 2n], the coefficients, and [2n, in].
/// </summary>
internal sealed class FourierWaves
{
    private FourierWaves(Tensor inputs, Tensor outputs) => (Inputs, Outputs) = (inputs, outputs);

    /// <summary>cos and sin of 2πqk/in for each frequency, [2n, in].</summary>
    public Tensor Inputs { get; }

    /// <summary>cos and −sin of 2πpj/out, times the scale of the transform, [out, 2n].</summary>
    public Tensor Outputs { get; }

    private static FourierWaves Create(int outputs, int inputs, int[] places, double scaling, Backend backend)
    {
        int n = places.Length;
        double scale = scaling / ((double)inputs * outputs);
        float[] across = new float[2 * n * inputs];
        float[] down = new float[outputs * 2 * n];
        for (int l = 0; l < n; l++)
        {
            (int j, int k) = (places[l] / inputs, places[l] % inputs);
            for (int q = 0; q < inputs; q++)
            {
                (double sin, double cos) = Math.SinCos(2 * Math.PI * ((long)q * k % inputs) / inputs);
                (across[(l * inputs) + q], across[((n + l) * inputs) + q]) = ((float)cos, (float)sin);
            }

            for (int p = 0; p < outputs; p++)
            {
                (double sin, double cos) = Math.SinCos(2 * Math.PI * ((long)p * j % outputs) / outputs);
                (down[(p * 2 * n) + l], down[(p * 2 * n) + n + l]) = ((float)(scale * cos), (float)(-scale * sin));
            }
        }

        return new FourierWaves(LongLived([2 * n, inputs], across, backend), LongLived([outputs, 2 * n], down, backend));
    }

    private static Tensor LongLived(Shape shape, float[] values, Backend backend)
    {
        Tensor tensor = Tensor.CreateLongLived(shape, DType.F32, backend);
        backend.CopyFromHost(values, tensor);
        return tensor;
    }

    /// <summary>The waves of an adapter: made once for all layers of the same extents.</summary>
    internal sealed class Store(FourierFTOptions options)
    {
        private readonly Dictionary<(int Out, int In, int Count), FourierWaves> _known = [];

        /// <summary>The waves for a layer.</summary>
        public FourierWaves Of(Linear layer, int count)
        {
            if (!_known.TryGetValue((layer.Out, layer.In, count), out FourierWaves? waves))
            {
                int[] places = new TorchGenerator((uint)options.LocationSeed).Permutation(checked(layer.Out * layer.In), count);
                waves = Create(layer.Out, layer.In, places, options.Scaling, layer.Weight.Value.Backend);
                _known.Add((layer.Out, layer.In, count), waves);
            }

            return waves;
        }
    }
}

/// <summary>The coefficients of one layer's spectrum, [n].</summary>
public sealed class FourierFTUpdate : LinearUpdate
{
    private readonly Parameter _spectrum;
    private readonly FourierWaves _waves;

    internal FourierFTUpdate(Linear layer, string adapter, Tensor spectrum, FourierWaves waves)
        : base(layer, adapter)
    {
        (_spectrum, _waves) = (layer.CreateUpdateWeight(FourierFTLayout.Part, spectrum), waves);
        Parameters = [_spectrum];
    }

    /// <inheritdoc/>
    public override IReadOnlyList<Parameter> Parameters { get; }

    /// <inheritdoc/>
    public override Tensor Apply(Tensor x, Tensor y) =>
        Ops.Add(y, Ops.Linear(Ops.ScaleColumns(Ops.Linear(x, _waves.Inputs), Twice), _waves.Outputs)); // [N, in] → [N, 2n] → [N, out]

    /// <inheritdoc/>
    public override void Merge() => StoredWeight.Rewrite(
        Layer, weight => StoredWeight.Add(Layer, weight, Ops.Linear(Ops.ScaleColumns(_waves.Outputs, Twice), _waves.Inputs, transposed: true)));

    // Each coefficient belongs to a cosine and to a sine.
    private Tensor Twice => Ops.Reshape(Ops.Rows(_spectrum, [0, 0]), [2 * (int)_spectrum.Count]);
}

/// <summary>FourierFT adapters in PEFT's files.</summary>
internal sealed class FourierFTLayout : PeftLayout
{
    public const string Part = "fourierft_spectrum";

    /// <inheritdoc/>
    public override string PeftType => "FOURIERFT";

    /// <inheritdoc/>
    public override AdapterOptions ReadOptions(PeftAdapterConfig config) => new FourierFTOptions
    {
        Frequencies = config.Settings!.GetInt("n_frequency", 1000),
        Scaling = config.Settings.GetDouble("scaling", 150),
        LocationSeed = config.Settings.GetInt("random_loc_seed", 777),
        ZeroStart = config.Settings.GetBool("init_weights", false),
        Targets = PeftSettings.Targets(config),
        ModulesToSave = PeftSettings.ModulesToSave(config),
    };

    /// <inheritdoc/>
    public override void ReadParts(Adapter adapter, AdapterWeights weights)
    {
        var options = (FourierFTOptions)adapter.Options;
        var waves = new FourierWaves.Store(options);
        foreach (string path in weights.PathsWith(Part))
        {
            Linear layer = weights.ModuleAt<Linear>(path);
            int count = (int)PeftSettings.Of(adapter.Source!, "n_frequency_pattern", path, options.Frequencies);
            Tensor spectrum = weights.Take(path, Part, [count]);
            PeftSettings.ThrowIf(adapter.Source!, count > (long)layer.In * layer.Out, $"'{path}' has fewer than {count} frequencies");
            adapter.Attach(new FourierFTUpdate(layer, adapter.Name, spectrum, waves.Of(layer, count)));
        }
    }

    /// <inheritdoc/>
    public override PeftAdapterConfig Describe(Adapter adapter)
    {
        var options = (FourierFTOptions)adapter.Options;
        return PeftSettings.Describe(adapter, [
            ("n_frequency", options.Frequencies), ("scaling", options.Scaling), ("random_loc_seed", options.LocationSeed), ("n_frequency_pattern", PeftSettings.NoPattern),
            ("bias", "none"), ("init_weights", options.ZeroStart), PeftSettings.FanInFanOut(adapter), .. PeftSettings.AllLayers]);
    }
}
