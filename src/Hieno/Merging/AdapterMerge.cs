using Hieno.Formats.Durable;
using Hieno.Formats.Peft;
using Hieno.Formats.Safetensors;
using Hieno.Training;
using Hieno.Tuning;

namespace Hieno.Merging;

/// <summary>How the pairs of several LoRA adapters become one pair.</summary>
public enum AdapterForm
{
    /// <summary>A's below each other and B's beside each other: exactly Σ wᵢsᵢBᵢAᵢ, of rank Σ rᵢ. PEFT's <c>cat</c>.</summary>
    Concatenated,

    /// <summary>The rule is applied to the A's and to the B's, each times √|wᵢsᵢ|. Not exact: products BᵢAⱼ of different adapters come in. All ranks must be equal.</summary>
    Factors,

    /// <summary>
    /// The rule is applied to the products sᵢBᵢAᵢ, and the result is split by its singular values: the best pair of that rank, and exact where
    /// the rank is at least that of the result, such as Σ rᵢ for the linear rule. PEFT's <c>svd</c> and the methods that end in <c>_svd</c>.
    /// </summary>
    Products,
}

/// <summary>How adapters are combined.</summary>
public sealed record AdapterMergeOptions
{
    /// <summary>What becomes of the pairs. Default concatenated, which is exact.</summary>
    public AdapterForm Form { get; init; } = AdapterForm.Concatenated;

    /// <summary>The rule, and its density and seed; concatenating knows the linear one alone. Default linear.</summary>
    public MergeOptions Rule { get; init; } = new();

    /// <summary>The rank of the result for <see cref="AdapterForm.Products"/>; that of the largest adapter when null.</summary>
    public int? Rank { get; init; }
}

/// <summary>What combining adapters gave.</summary>
/// <param name="Folder">The folder of the new adapter.</param>
/// <param name="Layers">How many layers carry a pair.</param>
/// <param name="Rank">The largest rank among them.</param>
/// <param name="Distance">How far the new change lies from λ·Σ wᵢsᵢBᵢAᵢ: ‖difference‖ / ‖sum‖ over all layers; 0 up to rounding where it is exact.</param>
public sealed record AdapterMergeReport(string Folder, int Layers, int Rank, double Distance);

/// <summary>Combines LoRA adapters of one base into one, as PEFT's <c>add_weighted_adapter</c> does, layer by layer and without the base model.</summary>
/// <remarks>The new adapter's scale is 1 (alpha = rank): the weights are in the pairs.</remarks>
public static class AdapterMerge
{
    /// <summary>Combines adapters and saves the result as a PEFT folder, whole or not at all.</summary>
    /// <param name="inputs">The adapters, each with its weight; one alone is scaled by its weight (the WiSE-FT of an adapter).</param>
    /// <param name="output">A folder that is absent or empty.</param>
    /// <param name="options">How; concatenated when null.</param>
    /// <param name="baseModel">The base model to name in the result, where the adapters name it differently.</param>
    /// <exception cref="MergeException">The adapters do not fit each other, or are of a kind whose change is not s·BA.</exception>
    /// <exception cref="Formats.CheckpointException">A file is missing or malformed.</exception>
    /// <exception cref="StorageException">The folder holds something, or cannot be written.</exception>
    public static AdapterMergeReport Save(IReadOnlyList<MergeInput> inputs, string output, AdapterMergeOptions? options = null, string? baseModel = null)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentOutOfRangeException.ThrowIfZero(inputs.Count);
        options ??= new AdapterMergeOptions();
        options.Rule.Validate();
        if (options.Form == AdapterForm.Concatenated && options.Rule.Method != MergeMethod.Linear)
        {
            throw new ArgumentException($"Pairs that are concatenated are added; the rule {options.Rule.Method} needs factors or products.", nameof(options));
        }

        var adapters = new List<LoRAFolder>();
        try
        {
            foreach (MergeInput input in inputs)
            {
                adapters.Add(LoRAFolder.Open(input.Folder));
            }

            Compare(adapters, baseModel);
            var distance = new PairDistance();
            var ranks = new OrderedDictionary<string, int>(StringComparer.Ordinal);
            WeightFiles.SaveNew(output, writer => Write(writer, adapters, inputs, options, baseModel, ranks, distance));
            return new AdapterMergeReport(output, ranks.Count, ranks.Values.Max(), distance.Relative);
        }
        finally
        {
            adapters.ForEach(adapter => adapter.Dispose());
        }
    }

    private static void Write(
        FolderWriter writer, List<LoRAFolder> adapters, IReadOnlyList<MergeInput> inputs, AdapterMergeOptions options, string? baseModel, OrderedDictionary<string, int> ranks, PairDistance distance)
    {
        var items = new List<SafetensorsItem>();
        foreach (string name in adapters.SelectMany(adapter => adapter.Pairs).Distinct(StringComparer.Ordinal))
        {
            (LoRAPair Pair, double Weight)[] pairs = [.. adapters.Zip(inputs, (adapter, input) => (Pair: adapter.Pair(name), input.Weight)).Where(item => item.Pair is not null).Select(item => (item.Pair!, item.Weight))];
            ThrowUnlessOneSize(pairs, adapters[0].Folder);
            LoRAPair merged = PairMerge.Combine(pairs, options);
            distance.Add(pairs, merged, options.Rule.Scale);
            ranks.Add(merged.Path, merged.Rank);
            items.Add(Item(merged.NameA, merged.A, [merged.Rank, merged.In]));
            items.Add(Item(merged.NameB, merged.B, [merged.Out, merged.Rank]));
        }

        items.AddRange(adapters[0].Wholes.Select(entry => SafetensorsItem.FromBytes(entry.Name, entry.DType, entry.Shape, adapters[0].Files.Bytes(entry).ToArray())));
        SafetensorsWriter.Write(writer.PathOf(PeftAdapterConfig.WeightsFileName), items);
        Describe(adapters, ranks, baseModel).Write(writer.PathOf(PeftAdapterConfig.FileName));
        if (adapters[0].Task.Length > 0)
        {
            writer.WriteText(AdapterTask.FileName, adapters[0].Task);
        }

        // Adapters that were not trained on one and the same base are for the base as it is in its file.
        if (adapters[0].Quantization is { Length: > 0 } quantization && adapters.All(adapter => adapter.Quantization == quantization))
        {
            writer.WriteText(QuantizedBase.FileName, quantization);
        }

        WeightFiles.CopyCompanions(adapters[0].Folder, writer.Folder);
    }

    private static SafetensorsItem Item(string name, double[] values, long[] shape)
    {
        if (Array.FindIndex(values, value => !float.IsFinite((float)value)) is >= 0 and var index)
        {
            throw new MergeException(name, $"element {index} of the result is {values[index]}", "Look for the adapter whose weights are not finite numbers, and leave it out");
        }

        byte[] bytes = new byte[values.Length * sizeof(float)];
        ElementType.Write(values, SafetensorsDType.F32, bytes);
        return SafetensorsItem.FromBytes(name, SafetensorsDType.F32, shape, bytes);
    }

    private static void Compare(List<LoRAFolder> adapters, string? baseModel)
    {
        LoRAFolder first = adapters[0];
        foreach (LoRAFolder other in adapters[1..])
        {
            if (baseModel is null && other.Config.BaseModel != first.Config.BaseModel)
            {
                throw new MergeException(other.Folder, $"its base model is {other.Config.BaseModel}, that of {first.Folder} is {first.Config.BaseModel}", "Combine adapters of one base; where it only moved, name it by --base");
            }

            if (other.Task != first.Task)
            {
                throw new MergeException(other.Folder, $"its task.json is not that of {first.Folder}, so their outputs mean different things", "Combine adapters of one task with the same labels in the same order");
            }
        }

        foreach (SafetensorsEntry whole in adapters.SelectMany(adapter => adapter.Wholes))
        {
            if (!adapters.All(adapter => HasSame(adapter, whole.Name, first)))
            {
                throw new MergeException(first.Folder, $"'{whole.Name}' was trained whole, and the adapters differ in it", "Write each adapter into its base by 'hieno merge ADAPTER --out DIR', and average the models by 'hieno soup'");
            }
        }
    }

    private static bool HasSame(LoRAFolder adapter, string name, LoRAFolder first) =>
        adapter.Files.Entries.TryGetValue(name, out SafetensorsEntry? mine) && first.Files.Entries.TryGetValue(name, out SafetensorsEntry? its)
        && mine.DType == its.DType && adapter.Files.Bytes(mine).SequenceEqual(first.Files.Bytes(its));

    private static void ThrowUnlessOneSize((LoRAPair Pair, double Weight)[] pairs, string folder)
    {
        LoRAPair first = pairs[0].Pair;
        if (Array.Find(pairs, item => item.Pair.In != first.In || item.Pair.Out != first.Out).Pair is { } other)
        {
            throw new MergeException(first.Path, $"one adapter changes a weight of [{first.Out}, {first.In}] here, another one of [{other.Out}, {other.In}] (the first adapter is {folder})", "Combine adapters of one base model and one vocabulary");
        }
    }

    // Layers are named one by one where the adapters do not agree on where they act, and ranks where they differ.
    private static PeftAdapterConfig Describe(List<LoRAFolder> adapters, OrderedDictionary<string, int> ranks, string? baseModel)
    {
        PeftAdapterConfig first = adapters[0].Config;
        bool agree = adapters.All(adapter => adapter.Pairs.Count() == ranks.Count);
        int rank = ranks.Values.Max();
        var others = ranks.Where(pair => pair.Value != rank).ToDictionary(pair => pair.Key, pair => pair.Value, StringComparer.Ordinal);
        return first with
        {
            BaseModel = baseModel ?? first.BaseModel,
            LoRA = first.LoRA! with
            {
                Rank = rank,
                Alpha = rank,
                UseRsLoRA = false,
                Initialization = "true",
                RankPattern = others,
                AlphaPattern = others.ToDictionary(pair => pair.Key, pair => (double)pair.Value, StringComparer.Ordinal),
                TargetModules = agree ? first.LoRA.TargetModules : PeftModules.EndingWith(ranks.Keys),
                ExcludeModules = agree ? first.LoRA.ExcludeModules : null,
                LayersToTransform = agree ? first.LoRA.LayersToTransform : null,
                LayersPattern = agree ? first.LoRA.LayersPattern : null,
            },
        };
    }
}
