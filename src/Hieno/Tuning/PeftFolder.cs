using Hieno.Formats;
using Hieno.Formats.Peft;
using Hieno.Formats.Safetensors;
using Hieno.Models;
using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Tuning;

/// <summary>Reads and writes an adapter as the folder that PEFT reads and writes: <c>adapter_config.json</c> and <c>adapter_model.safetensors</c>.</summary>
public static class PeftFolder
{
    private const string Prefix = "base_model.model.";

    /// <summary>True when the folder holds an adapter.</summary>
    public static bool Exists(string folder) => File.Exists(Path.Combine(folder, PeftAdapterConfig.FileName));

    /// <summary>Writes an adapter.</summary>
    /// <param name="adapter">The adapter.</param>
    /// <param name="model">The model it is attached to.</param>
    /// <param name="folder">An existing folder.</param>
    /// <param name="baseModel">The base model's folder or name, for readers to find it.</param>
    public static void Save(LoRAAdapter adapter, TextModel model, string folder, string baseModel)
    {
        ArgumentNullException.ThrowIfNull(adapter);
        ArgumentNullException.ThrowIfNull(model);
        IEnumerable<SafetensorsItem> items = adapter.Pairs
            .SelectMany(pair => pair.Update.Parameters)
            .Select(parameter => WeightFiles.Item(Prefix + parameter.Name, parameter.Value))
            .Concat(adapter.Shadowed.Select(parameter => WeightFiles.Item(Prefix + parameter.Name, parameter.Shadow!)));
        SafetensorsWriter.Write(
            Path.Combine(folder, PeftAdapterConfig.WeightsFileName),
            items,
            new Dictionary<string, string>(StringComparer.Ordinal) { ["format"] = "pt" });
        Describe(adapter, model, baseModel).Write(Path.Combine(folder, PeftAdapterConfig.FileName));
    }

    /// <summary>Attaches the adapter in <paramref name="folder"/> to <paramref name="model"/>.</summary>
    /// <exception cref="CheckpointException">A file is malformed, the adapter is of another kind, or it does not fit the model.</exception>
    public static LoRAAdapter Load(TextModel model, string folder, string name = LoRAAdapter.DefaultName)
    {
        ArgumentNullException.ThrowIfNull(model);
        string configPath = Path.Combine(folder, PeftAdapterConfig.FileName);
        PeftAdapterConfig config = PeftAdapterConfig.Read(configPath);
        PeftLoRAConfig lora = config.LoRA ?? throw new CheckpointException(ErrorCodes.AdapterUnsupported, configPath, $"the adapter is of the kind {config.PeftType}, which is not known here", "Give a LoRA adapter");
        if (lora.UseDoRA || lora.LoRABias)
        {
            throw new CheckpointException(ErrorCodes.AdapterUnsupported, configPath, $"the adapter uses {(lora.UseDoRA ? "DoRA" : "biases in its pairs")}, which cannot be read yet", "Give a plain LoRA adapter");
        }

        using CheckpointFiles files = CheckpointFiles.Open(Path.Combine(folder, PeftAdapterConfig.WeightsFileName));
        var adapter = new LoRAAdapter(model, Options(lora), name);
        var taken = new HashSet<string>(StringComparer.Ordinal);
        foreach (string key in files.Entries.Keys.Where(key => key.EndsWith(".lora_A.weight", StringComparison.Ordinal)))
        {
            string path = Strip(key)[..^".lora_A.weight".Length];
            string other = key.Replace(".lora_A.weight", ".lora_B.weight", StringComparison.Ordinal);
            Linear layer = LoRAAdapter.LayerAt(model, path, files.Path);
            int rank = lora.RankOf(path);
            Tensor a = WeightFiles.Read(files, key, [rank, layer.In], layer.Weight.Value.Backend);
            Tensor b = WeightFiles.Read(files, other, [layer.Out, rank], layer.Weight.Value.Backend);
            adapter.Attach(layer, a, b, (float)lora.ScaleOf(path), (float)lora.Dropout);
            taken.UnionWith([key, other]);
        }

        LoadCopies(model, adapter, files, taken);
        adapter.SetTrainable(false);
        return adapter;
    }

    // What is left are whole weights: offsets and saved modules.
    private static void LoadCopies(TextModel model, LoRAAdapter adapter, CheckpointFiles files, HashSet<string> taken)
    {
        foreach (string key in files.Entries.Keys.Where(key => !taken.Contains(key)))
        {
            string name = Strip(key).Replace(".modules_to_save.", ".", StringComparison.Ordinal).Replace(".base_layer.", ".", StringComparison.Ordinal);
            Parameter parameter = model.Parameters().FirstOrDefault(p => p.Name == name)
                ?? throw new CheckpointException(ErrorCodes.CheckpointTensorMissing, files.Path, $"the adapter holds '{key}', for which this model has no place", "Take the base model and the task that the adapter was trained for") { Tensor = key };
            adapter.TakeCopy(parameter, WeightFiles.Read(files, key, parameter.Base.Shape, parameter.Base.Backend));
        }
    }

    private static string Strip(string key) => key.StartsWith(Prefix, StringComparison.Ordinal) ? key[Prefix.Length..] : key;

    private static LoRAOptions Options(PeftLoRAConfig lora) => new()
    {
        Rank = lora.Rank,
        Alpha = lora.Alpha,
        Dropout = lora.Dropout,
        RsLora = lora.UseRsLoRA,
        Targets = lora.TargetModules?.Names ?? (lora.TargetModules?.IsAllLinear == true ? [LoRA.AllLinear] : []),
        Bias = lora.Bias switch { "all" => LoRABias.All, "lora_only" => LoRABias.LoraOnly, _ => LoRABias.None },
        ModulesToSave = lora.ModulesToSave ?? [],
    };

    private static PeftAdapterConfig Describe(LoRAAdapter adapter, TextModel model, string baseModel)
    {
        LoRAOptions options = adapter.Options;
        bool all = options.Targets.Contains(LoRA.AllLinear);
        IReadOnlyList<string> targets = all ? [.. adapter.Pairs.Select(pair => pair.Layer.Path[(pair.Layer.Path.LastIndexOf('.') + 1)..]).Distinct()] : options.Targets;
        return new PeftAdapterConfig
        {
            BaseModel = baseModel,
            TaskType = model.ClassificationHead is not null ? "SEQ_CLS" : model.Backbone.IsCausal ? "CAUSAL_LM" : null,
            LoRA = new PeftLoRAConfig
            {
                Rank = options.Rank,
                Alpha = options.Alpha,
                Dropout = options.Dropout,
                UseRsLoRA = options.RsLora,
                TargetModules = PeftModules.EndingWith(targets),
                FanInFanOut = adapter.Pairs.Any(pair => pair.Layer.Transposed),
                Bias = options.Bias switch { LoRABias.All => "all", LoRABias.LoraOnly => "lora_only", _ => "none" },
                ModulesToSave = adapter.Modules.Count > 0 ? adapter.Modules : null,
            },
        };
    }
}
