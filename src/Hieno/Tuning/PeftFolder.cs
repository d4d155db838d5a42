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
    private const string PartA = ".lora_A.weight";
    private const string PartB = ".lora_B.weight";
    private const string BaseLayer = ".base_layer.";

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
            .Concat(adapter.Copies.Select(copy => WeightFiles.Item(Prefix + NameOfCopy(adapter, copy.Parameter), copy.Value)));
        SafetensorsWriter.Write(
            Path.Combine(folder, PeftAdapterConfig.WeightsFileName),
            items,
            new Dictionary<string, string>(StringComparer.Ordinal) { ["format"] = "pt" });
        Describe(adapter, model, baseModel).Write(Path.Combine(folder, PeftAdapterConfig.FileName));
    }

    /// <summary>Attaches the adapter in <paramref name="folder"/> to <paramref name="model"/>, frozen. On an error the model is left as it was.</summary>
    /// <param name="model">The base model.</param>
    /// <param name="folder">The adapter's folder.</param>
    /// <param name="name">What to call it.</param>
    /// <param name="enabled">False attaches it switched off.</param>
    /// <exception cref="CheckpointException">A file is malformed, the adapter is of another kind, or it does not fit the model.</exception>
    public static LoRAAdapter Load(TextModel model, string folder, string name = LoRAAdapter.DefaultName, bool enabled = true)
    {
        ArgumentNullException.ThrowIfNull(model);
        string configPath = Path.Combine(folder, PeftAdapterConfig.FileName);
        PeftAdapterConfig config = PeftAdapterConfig.Read(configPath);
        PeftLoRAConfig lora = Supported(config, configPath);

        using CheckpointFiles files = CheckpointFiles.Open(Path.Combine(folder, PeftAdapterConfig.WeightsFileName));
        var adapter = new LoRAAdapter(model, Options(lora), name, enabled) { Source = config };
        try
        {
            LoadCopies(model, adapter, files, LoadPairs(model, adapter, lora, files));
        }
        catch
        {
            adapter.Detach();
            throw;
        }

        adapter.SetTrainable(false);
        return adapter;
    }

    // What an adapter asks for beyond A and B would change its meaning if it were passed over.
    private static PeftLoRAConfig Supported(PeftAdapterConfig config, string path)
    {
        string? what = config.LoRA switch
        {
            null => $"the adapter is of the kind {config.PeftType}, which is not known here",
            { UseDoRA: true } => "the adapter uses DoRA, which cannot be read yet",
            { LoRABias: true } => "the adapter has offsets in its pairs, which cannot be read yet",
            { Initialization: not ("true" or "false" or "gaussian" or "orthogonal" or "eva") and var start } =>
                $"the adapter was started with '{start}', which also changed the base model's weights, so it does not fit the base model as it is",
            _ => null,
        };
        return what is null ? config.LoRA! : throw new CheckpointException(ErrorCodes.AdapterUnsupported, path, what, "Give a plain LoRA adapter, or a model it was merged into");
    }

    private static HashSet<string> LoadPairs(TextModel model, LoRAAdapter adapter, PeftLoRAConfig lora, CheckpointFiles files)
    {
        var taken = new HashSet<string>(StringComparer.Ordinal);
        foreach (string key in files.Entries.Keys.Where(key => key.EndsWith(PartA, StringComparison.Ordinal)))
        {
            string path = Strip(key)[..^PartA.Length];
            string other = key[..^PartA.Length] + PartB;
            Linear layer = LayerAt(model, path, files.Path);
            int rank = lora.RankOf(path);
            Tensor a = WeightFiles.Read(files, key, [rank, layer.In], layer.Weight.Value.Backend);
            Tensor b = WeightFiles.Read(files, other, [layer.Out, rank], layer.Weight.Value.Backend);
            adapter.Attach(layer, a, b, (float)lora.ScaleOf(path), (float)lora.Dropout);
            taken.UnionWith([key, other]);
        }

        return taken;
    }

    // What is left are whole weights: offsets and saved modules.
    private static void LoadCopies(TextModel model, LoRAAdapter adapter, CheckpointFiles files, HashSet<string> taken)
    {
        var parameters = model.Parameters().ToDictionary(parameter => parameter.Name, StringComparer.Ordinal);
        foreach (string key in files.Entries.Keys.Where(key => !taken.Contains(key)))
        {
            string name = Strip(key).Replace(".modules_to_save.", ".", StringComparison.Ordinal).Replace(BaseLayer, ".", StringComparison.Ordinal);
            Parameter parameter = parameters.GetValueOrDefault(name) ?? parameters.GetValueOrDefault($"{model.Family.BasePrefix}.{name}")
                ?? throw new CheckpointException(ErrorCodes.CheckpointTensorMissing, files.Path, $"the adapter holds '{key}', for which this model has no place", "Take the base model and the task that the adapter was trained for") { Tensor = key };
            adapter.TakeCopy(parameter, WeightFiles.Read(files, key, parameter.Base.Shape, parameter.Base.Backend));
        }
    }

    // An adapter that was trained on the bare body leaves the body's prefix out.
    private static Linear LayerAt(TextModel model, string path, string source) =>
        TunedModel.Linears(model).FirstOrDefault(layer => layer.Path == path)
        ?? TunedModel.Linears(model).FirstOrDefault(layer => layer.Path == $"{model.Family.BasePrefix}.{path}")
        ?? throw new CheckpointException(ErrorCodes.CheckpointTensorMissing, source, $"the adapter changes the layer '{path}', which this model does not have", "Take the base model that the adapter was trained on");

    private static string Strip(string key) => key.StartsWith(Prefix, StringComparison.Ordinal) ? key[Prefix.Length..] : key;

    // PEFT keeps an adapted layer's own weights one level deeper, and finds its offset only there.
    private static string NameOfCopy(LoRAAdapter adapter, Parameter parameter)
    {
        int dot = parameter.Name.LastIndexOf('.');
        string path = parameter.Name[..dot];
        return adapter.Pairs.Any(pair => pair.Layer.Path == path) ? $"{path}{BaseLayer}{parameter.Name[(dot + 1)..]}" : parameter.Name;
    }

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
        if (adapter.Source is { } source)
        {
            return source with { BaseModel = baseModel };
        }

        LoRAOptions options = adapter.Options;
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
                TargetModules = PeftModules.EndingWith(TargetNames(adapter, model)),
                FanInFanOut = adapter.Pairs.Any(pair => pair.Layer.Transposed),
                Bias = options.Bias switch { LoRABias.All => "all", LoRABias.LoraOnly => "lora_only", _ => "none" },
                ModulesToSave = adapter.Modules.Count > 0 ? adapter.Modules : null,
            },
        };
    }

    // Endings of names where they mean the adapted layers and no others, else the layers' whole paths.
    private static IReadOnlyList<string> TargetNames(LoRAAdapter adapter, TextModel model)
    {
        IReadOnlyList<string> options = adapter.Options.Targets;
        string[] endings = options.Contains(LoRA.AllLinear)
            ? [.. adapter.Pairs.Select(pair => pair.Layer.Path[(pair.Layer.Path.LastIndexOf('.') + 1)..]).Distinct(StringComparer.Ordinal)]
            : [.. options];
        string[] adapted = [.. adapter.Pairs.Select(pair => pair.Layer.Path)];
        string[] meant = [.. TunedModel.Linears(model).Select(layer => layer.Path).Where(path => endings.Any(ending => LoRAAdapter.IsTarget(path, ending)))];
        return meant.Length == adapted.Length ? endings : adapted;
    }
}
