using System.Text.Json;
using Hieno.Formats;
using Hieno.Formats.Peft;
using Hieno.Models;
using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Tuning;

/// <summary>
/// AdaLoRA adapters in PEFT's files. Once ranks have been shared out, triplets that are zero are left out of the tensors, and <c>rank_pattern</c> says
/// which of the layer's first ones are there.
/// </summary>
internal sealed class AdaLoRALayout : PeftLayout
{
    public const string PartA = "lora_A";
    public const string PartB = "lora_B";
    public const string PartE = "lora_E";
    private const string Pattern = "rank_pattern";

    /// <inheritdoc/>
    public override string PeftType => "ADALORA";

    /// <inheritdoc/>
    public override AdapterOptions ReadOptions(PeftAdapterConfig config)
    {
        ModelConfig file = config.Settings!;
        PeftSettings.ThrowIf(config, file.GetBool("use_dora", false), "the adapter combines AdaLoRA with DoRA, which is not known here");
        return new AdaLoRAOptions
        {
            InitialRank = file.GetInt("init_r", 12),
            TargetRank = file.GetInt("target_r", 8),
            Alpha = file.GetDouble("lora_alpha", 8),
            Dropout = file.GetDouble("lora_dropout", 0),
            WarmupSteps = file.GetInt("tinit", 0),
            FinalSteps = file.GetInt("tfinal", 0),
            Interval = file.GetInt("deltaT", 1),
            Beta1 = file.GetDouble("beta1", 0.85),
            Beta2 = file.GetDouble("beta2", 0.85),
            Orthogonality = file.GetDouble("orth_reg_weight", 0.5),
            Targets = PeftSettings.Targets(config),
            ModulesToSave = PeftSettings.ModulesToSave(config),
        };
    }

    /// <inheritdoc/>
    public override void ReadParts(Adapter adapter, AdapterWeights weights)
    {
        var options = (AdaLoRAOptions)adapter.Options;
        foreach (string path in weights.PathsWith(PartA))
        {
            Linear layer = weights.ModuleAt<Linear>(path);
            int rank = RankOf(adapter.Source!, path) ?? options.InitialRank;
            Tensor a = weights.Take(path, PartA, [rank, layer.In]);
            Tensor e = weights.Take(path, PartE, [rank, 1]);
            Tensor b = weights.Take(path, PartB, [layer.Out, rank]);
            adapter.Attach(new AdaLoRAUpdate(layer, adapter.Name, a, e, b, options.Scale, (float)options.Dropout));
        }

        adapter.StepRule = new RankAllocation(adapter, options);
    }

    /// <inheritdoc/>
    public override IEnumerable<(string Name, Parameter Parameter, Tensor Value)> PartTensors(Adapter adapter)
    {
        ArgumentNullException.ThrowIfNull(adapter);
        foreach (AdaLoRAUpdate update in adapter.Parts.OfType<AdaLoRAUpdate>())
        {
            int[]? kept = update.Kept is null ? null : [.. NonZero(update).Select((stays, k) => stays ? k : -1).Where(k => k >= 0)];
            yield return (NameOf(update.A)!, update.A, kept is null ? update.A.Value : Pick(update.A, kept, byColumn: false));
            yield return (NameOf(update.E)!, update.E, kept is null ? update.E.Value : Pick(update.E, kept, byColumn: false));
            yield return (NameOf(update.B)!, update.B, kept is null ? update.B.Value : Pick(update.B, kept, byColumn: true));
        }
    }

    /// <inheritdoc/>
    public override PeftAdapterConfig Describe(Adapter adapter)
    {
        var options = (AdaLoRAOptions)adapter.Options;
        Dictionary<string, bool[]> pattern = adapter.Parts.OfType<AdaLoRAUpdate>().Where(update => update.Kept is not null)
            .ToDictionary(update => update.E.Name, NonZero, StringComparer.Ordinal);
        return PeftSettings.Describe(adapter, [
            ("r", 8), ("init_r", options.InitialRank), ("target_r", options.TargetRank), ("lora_alpha", options.Alpha), ("lora_dropout", options.Dropout),
            ("tinit", options.WarmupSteps), ("tfinal", options.FinalSteps), ("deltaT", options.Interval), ("beta1", options.Beta1), ("beta2", options.Beta2),
            ("orth_reg_weight", options.Orthogonality), ("total_step", (adapter.StepRule as RankAllocation)?.TotalSteps),
            (Pattern, pattern.Count > 0 ? pattern : null), ("alpha_pattern", PeftSettings.NoPattern), ("bias", "none"), ("init_lora_weights", true),
            ("layer_replication", null), ("loftq_config", PeftSettings.NoPattern), ("megatron_config", null), ("megatron_core", "megatron.core"),
            ("use_dora", false), ("use_rslora", false), PeftSettings.FanInFanOut(adapter), .. PeftSettings.AllLayers]);
    }

    // Leaving a triplet out whose number is zero changes no output.
    private static bool[] NonZero(AdaLoRAUpdate update) => [.. update.E.Value.ToArray().Select(value => value != 0)];

    private static int? RankOf(PeftAdapterConfig config, string path) =>
        config.Settings!.GetSection(Pattern) is { } pattern && pattern.Json.TryGetProperty($"{path}.{PartE}", out JsonElement kept) && kept.ValueKind == JsonValueKind.Array
            ? kept.EnumerateArray().Count(stays => stays.ValueKind == JsonValueKind.True)
            : null;

    private static Tensor Pick(Tensor values, int[] kept, bool byColumn)
    {
        float[] all = values.ToArray();
        int columns = values.Shape[1];
        float[] picked = byColumn
            ? [.. Enumerable.Range(0, values.Rows).SelectMany(row => kept.Select(k => all[(row * columns) + k]))]
            : [.. kept.SelectMany(k => all.AsSpan(k * columns, columns).ToArray())];
        Tensor tensor = Tensor.CreateLongLived(byColumn ? [values.Rows, kept.Length] : [kept.Length, columns], DType.F32, values.Backend);
        tensor.Backend.CopyFromHost(picked, tensor);
        return tensor;
    }
}
