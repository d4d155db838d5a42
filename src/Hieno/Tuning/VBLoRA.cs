using System.ComponentModel.DataAnnotations;
using Hieno.Formats;
using Hieno.Formats.Peft;
using Hieno.Models;
using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Tuning;

/// <summary>Settings of <see cref="VBLoRA"/>.</summary>
public sealed record VBLoRAOptions : LayerAdapterOptions
{
    /// <summary>Rank r of the update. Default 4.</summary>
    [Range(1, 4096)]
    public int Rank { get; init; } = 4;

    /// <summary>Number h of vectors in the bank. Default 256.</summary>
    [Range(1, 65536)]
    public int Vectors { get; init; } = 256;

    /// <summary>Length b of each vector; it must divide the widths of all layers. Default 256.</summary>
    [Range(1, 65536)]
    public int VectorLength { get; init; } = 256;

    /// <summary>How many vectors are mixed for each piece. Default 2.</summary>
    [Range(1, 64)]
    public int TopK { get; init; } = 2;

    /// <summary>Probability of dropping an input of the update. Default 0.</summary>
    [Range(0.0, 0.95)]
    public double Dropout { get; init; }

    /// <summary>The bank starts uniform within ± this. Default 0.02.</summary>
    [Range(1e-7, 10.0)]
    public double BankBound { get; init; } = 0.02;

    /// <summary>Standard deviation of the first logits. Default 0.1.</summary>
    [Range(1e-7, 10.0)]
    public double LogitsDeviation { get; init; } = 0.1;

    /// <summary>How many times as fast as the bank the logits learn. Default 10, as in the paper.</summary>
    [Range(1e-3, 1e4)]
    public double LogitsRatio { get; init; } = 10;

    /// <inheritdoc/>
    protected internal override double DefaultLearningRate => 1e-3;

    /// <inheritdoc/>
    protected internal override PeftLayout Layout => new VBLoRALayout();

    /// <inheritdoc/>
    public override ITuningMethod Create() => new VBLoRA(this);
}

/// <summary>
/// VB-LoRA: the matrices A and B of all low-rank updates are put together from pieces, each a mixture of the k vectors with the highest logits out
/// of one bank that all layers share.
/// </summary>
/// <remarks>
/// Li et al. 2024, <see href="https://arxiv.org/abs/2405.15179"/>, section 3. Neither the bank nor the mixtures start at zero, so the first step starts
/// near the base model, not from it.
/// </remarks>
public sealed class VBLoRA(VBLoRAOptions options) : ITuningMethod
{
    /// <inheritdoc/>
    public TunedModel Apply(PretrainedModel model, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(model);
        VBLoRAOptions effective = options.Targets.Count > 0 ? options : options with { Targets = model.DefaultTargets };
        var adapter = Adapter.Begin(model, effective, "VB-LoRA");
        IReadOnlyList<Linear> layers = LayerTargets.Find<Linear>(adapter, effective.Targets, "VB-LoRA");
        var bank = new Parameter(
            VBLoRALayout.Bank,
            Initializer.Uniform((float)effective.BankBound).Create([effective.Vectors, effective.VectorLength], seed, VBLoRALayout.Bank, layers[0].Weight.Value.Backend),
            ParameterKind.Other,
            layers.Max(layer => layer.Weight.Depth));
        foreach (Linear layer in layers)
        {
            if (layer.In % effective.VectorLength != 0 || layer.Out % effective.VectorLength != 0 || effective.TopK > effective.Vectors)
            {
                throw new TuningException(
                    ErrorCodes.TuningTargetUnknown,
                    "VB-LoRA",
                    $"vectors of {effective.VectorLength}, {effective.TopK} of {effective.Vectors} at a time, do not make up the {layer.In} inputs and {layer.Out} outputs of '{layer.Path}'",
                    "Set 'tuning.vectorLength' to a common divisor of the widths");
            }

            var logits = Initializer.Normal((float)effective.LogitsDeviation);
            Tensor Draw(string name, Shape shape) => logits.Create(shape, seed, $"{layer.Path}.{name}", layer.Weight.Value.Backend);
            (int inPieces, int outPieces) = (layer.In / effective.VectorLength, layer.Out / effective.VectorLength);
            var part = new VBLoRAUpdate(
                layer,
                adapter.Name,
                bank,
                Draw(VBLoRALayout.LogitsA, [effective.Rank, inPieces, effective.Vectors]),
                Draw(VBLoRALayout.LogitsB, [outPieces, effective.Rank, effective.Vectors]),
                effective.TopK,
                (float)effective.Dropout);
            part.LogitsA.LearningRateFactor = part.LogitsB.LearningRateFactor = effective.LogitsRatio;
            adapter.Attach(part);
        }

        return adapter.Complete();
    }
}

/// <summary>The logits of one layer, which say what its A and B are made of.</summary>
public sealed class VBLoRAUpdate : LinearUpdate
{
    private readonly Parameter _bank;
    private readonly int _topK;
    private readonly float _dropout;
    private readonly int[] _byRank;

    /// <summary>Makes the update.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="adapter">The adapter's name.</param>
    /// <param name="bank">The vectors that all layers share, [h, b].</param>
    /// <param name="logitsA">[r, in/b, h], long-lived.</param>
    /// <param name="logitsB">[out/b, r, h], long-lived.</param>
    /// <param name="topK">How many vectors are mixed for each piece.</param>
    /// <param name="dropout">Probability of dropping an input.</param>
    public VBLoRAUpdate(Linear layer, string adapter, Parameter bank, Tensor logitsA, Tensor logitsB, int topK, float dropout)
        : base(layer, adapter)
    {
        ArgumentNullException.ThrowIfNull(layer);
        ArgumentNullException.ThrowIfNull(logitsA);
        (_bank, _topK, _dropout) = (bank, topK, dropout);
        (LogitsA, LogitsB) = (layer.CreateUpdateWeight(VBLoRALayout.LogitsA, logitsA), layer.CreateUpdateWeight(VBLoRALayout.LogitsB, logitsB));
        (int r, int pieces) = (logitsA.Shape[0], LogitsB.Value.Shape[0]);
        _byRank = [.. Enumerable.Range(0, r * pieces).Select(i => (i % pieces * r) + (i / pieces))];
        Parameters = [LogitsA, LogitsB, bank];
    }

    /// <summary>Logits of A's pieces, [r, in/b, h].</summary>
    public Parameter LogitsA { get; }

    /// <summary>Logits of B's pieces, [out/b, r, h].</summary>
    public Parameter LogitsB { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<Parameter> Parameters { get; }

    /// <inheritdoc/>
    public override Tensor Apply(Tensor x, Tensor y) =>
        Ops.Add(y, Ops.Linear(Ops.Linear(Ops.Dropout(x, _dropout), A()), TransposedB(), transposed: true)); // [N, in] → [N, r] → [N, out]

    /// <inheritdoc/>
    public override void Merge() => StoredWeight.Rewrite(
        Layer, weight => StoredWeight.Add(Layer, weight, Ops.Linear(Ops.Transpose(TransposedB()), A(), transposed: true)));

    private Tensor A() => Ops.Reshape(Mixtures(LogitsA), [LogitsA.Value.Shape[0], Layer.In]);

    // The pieces lie as [out/b, r, b]; by rank first they are the rows of Bᵀ, [r, out].
    private Tensor TransposedB() => Ops.Reshape(Ops.Rows(Mixtures(LogitsB), _byRank), [LogitsB.Value.Shape[1], Layer.Out]);

    // The softmax of the k highest logits is that of all, the others set to −∞.
    private Tensor Mixtures(Parameter logits)
    {
        Tensor rows = Ops.Reshape(logits, [logits.Value.Rows, logits.Value.Columns]);
        Tensor highest = Tensor.FromValues(rows.Shape, MaskOfHighest(logits.Value.ToArray(), rows.Columns), rows.Backend);
        return Ops.Linear(Ops.Softmax(Ops.Add(rows, highest)), _bank, transposed: true); // [pieces, h]·[h, b]
    }

    private float[] MaskOfHighest(float[] logits, int columns)
    {
        float[] mask = new float[logits.Length];
        Array.Fill(mask, float.NegativeInfinity);
        for (int start = 0; start < logits.Length; start += columns)
        {
            for (int taken = 0; taken < _topK; taken++)
            {
                int best = -1;
                for (int i = start; i < start + columns; i++)
                {
                    best = mask[i] != 0 && (best < 0 || logits[i] > logits[best]) ? i : best;
                }

                mask[best] = 0;
            }
        }

        return mask;
    }
}

/// <summary>VB-LoRA adapters in PEFT's files.</summary>
internal sealed class VBLoRALayout : PeftLayout
{
    public const string LogitsA = "vblora_logits_A";
    public const string LogitsB = "vblora_logits_B";
    public const string Bank = "base_model.vblora_vector_bank";

    /// <inheritdoc/>
    public override string PeftType => "VBLORA";

    /// <inheritdoc/>
    public override AdapterOptions ReadOptions(PeftAdapterConfig config)
    {
        ModelConfig file = config.Settings!;
        PeftSettings.ThrowIf(config, file.GetBool("save_only_topk_weights", false), "the adapter was saved without its logits (save_only_topk_weights), which is not read here");
        return new VBLoRAOptions
        {
            Rank = file.GetInt("r", 4),
            Vectors = file.GetInt("num_vectors", 256),
            VectorLength = file.GetInt("vector_length", 256),
            TopK = file.GetInt("topk", 2),
            Dropout = file.GetDouble("vblora_dropout", 0),
            BankBound = file.GetDouble("init_vector_bank_bound", 0.02),
            LogitsDeviation = file.GetDouble("init_logits_std", 0.1),
            Targets = PeftSettings.Targets(config),
            ModulesToSave = PeftSettings.ModulesToSave(config),
        };
    }

    /// <inheritdoc/>
    public override void ReadParts(Adapter adapter, AdapterWeights weights)
    {
        var options = (VBLoRAOptions)adapter.Options;
        PeftSettings.ThrowIf(adapter.Source!, options.TopK < 1 || options.TopK > options.Vectors || options.VectorLength < 1, $"{options.TopK} of {options.Vectors} vectors of {options.VectorLength} cannot be mixed");
        string[] paths = [.. weights.PathsWith(LogitsA)];
        Parameter? bank = null;
        foreach (string path in paths)
        {
            Linear layer = weights.ModuleAt<Linear>(path);
            bool fits = layer.In % options.VectorLength == 0 && layer.Out % options.VectorLength == 0;
            PeftSettings.ThrowIf(adapter.Source!, !fits, $"vectors of {options.VectorLength} do not make up the {layer.In} inputs and {layer.Out} outputs of '{path}'");
            bank ??= new Parameter(Bank, weights.Take(Bank, [options.Vectors, options.VectorLength]), ParameterKind.Other, layer.Weight.Depth);
            Tensor a = weights.Take(path, LogitsA, [options.Rank, layer.In / options.VectorLength, options.Vectors]);
            Tensor b = weights.Take(path, LogitsB, [layer.Out / options.VectorLength, options.Rank, options.Vectors]);
            adapter.Attach(new VBLoRAUpdate(layer, adapter.Name, bank, a, b, options.TopK, (float)options.Dropout));
        }
    }

    /// <inheritdoc/>
    public override string? NameOf(Parameter weight)
    {
        ArgumentNullException.ThrowIfNull(weight);
        return weight.Name == Bank ? Bank : base.NameOf(weight);
    }

    /// <inheritdoc/>
    public override PeftAdapterConfig Describe(Adapter adapter)
    {
        var options = (VBLoRAOptions)adapter.Options;
        return PeftSettings.Describe(adapter, [
            ("r", options.Rank), ("num_vectors", options.Vectors), ("vector_length", options.VectorLength), ("topk", options.TopK), ("vblora_dropout", options.Dropout),
            ("init_vector_bank_bound", options.BankBound), ("init_logits_std", options.LogitsDeviation), ("save_only_topk_weights", false),
            ("bias", "none"), PeftSettings.FanInFanOut(adapter), .. PeftSettings.AllLayers]);
    }
}
