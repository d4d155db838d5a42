using Hieno.Formats;
using Hieno.Formats.Peft;
using Hieno.Formats.Safetensors;
using Hieno.Models;
using Hieno.Recipes;
using Hieno.Tensors;

namespace Hieno.Tuning;

/// <summary>Reads and writes an adapter as the folder that PEFT reads and writes: <c>adapter_config.json</c> and <c>adapter_model.safetensors</c>.</summary>
public static class PeftFolder
{
    /// <summary>PEFT keeps the own weights of a layer that it changes one level deeper, and finds its offset only there.</summary>
    internal const string BaseLayer = ".base_layer.";

    /// <summary>True when the folder holds an adapter.</summary>
    public static bool Exists(string folder) => File.Exists(Path.Combine(folder, PeftAdapterConfig.FileName));

    /// <summary>True when adapters of this kind can be read.</summary>
    /// <param name="peftType">PEFT's name of the kind, in capitals.</param>
    /// <param name="kinds">The methods that are known; the built-in ones when null.</param>
    public static bool Knows(string peftType, KindCatalog? kinds = null) => FindLayout(peftType, kinds) is not null;

    /// <summary>Writes an adapter, and beside it how its base is quantised where it is.</summary>
    /// <param name="adapter">The adapter.</param>
    /// <param name="folder">An existing folder.</param>
    /// <param name="baseModel">The base model's folder or name, for readers to find it.</param>
    public static void Save(Adapter adapter, string folder, string baseModel)
    {
        ArgumentNullException.ThrowIfNull(adapter);
        SafetensorsWriter.Write(
            Path.Combine(folder, PeftAdapterConfig.WeightsFileName),
            Tensors(adapter).Select(item => WeightFiles.Item(item.Name, item.Value)),
            new Dictionary<string, string>(StringComparer.Ordinal) { ["format"] = "pt" });
        PeftAdapterConfig config = adapter.Source ?? Describe(adapter);
        (TokenRows.Describe(adapter, config) with { BaseModel = baseModel }).Write(Path.Combine(folder, PeftAdapterConfig.FileName));
        QuantizedBase.Write(folder, (adapter.Model as TextModel)?.Quantization);
    }

    /// <summary>What is written: each weight of the adapter with its name in the file and its value.</summary>
    public static IEnumerable<(string Name, Parameter Parameter, Tensor Value)> Tensors(Adapter adapter)
    {
        ArgumentNullException.ThrowIfNull(adapter);
        PeftLayout layout = adapter.Options.Layout;
        return layout.PartTensors(adapter)
            .Concat(TokenRows.Tensors(adapter))
            .Concat(adapter.Copies.Select(copy => (layout.NameOfCopy(copy.Parameter) ?? layout.Prefix + NameOfCopy(adapter, copy.Parameter), copy.Parameter, copy.Value)));
    }

    /// <summary>Attaches the adapter in <paramref name="folder"/> to <paramref name="model"/>, frozen. On an error the model is left as it was.</summary>
    /// <param name="model">The base model.</param>
    /// <param name="folder">The adapter's folder.</param>
    /// <param name="name">What to call it.</param>
    /// <param name="enabled">False attaches it switched off.</param>
    /// <param name="kinds">The methods that are known; the built-in ones when null.</param>
    /// <exception cref="CheckpointException">A file is malformed, the adapter is of an unknown kind, or it does not fit the model.</exception>
    public static Adapter Load(PretrainedModel model, string folder, string name = Adapter.DefaultName, bool enabled = true, KindCatalog? kinds = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        string configPath = Path.Combine(folder, PeftAdapterConfig.FileName);
        PeftAdapterConfig config = PeftAdapterConfig.Read(configPath);
        PeftLayout layout = FindLayout(config.PeftType, kinds) ?? throw new CheckpointException(
            ErrorCodes.AdapterUnsupported, configPath, $"the adapter is of the kind {config.PeftType}, which is not known here", "Give an adapter of a method that 'hieno schema --reference' lists, name the plugin that brings its method (--plugins), or give a model it was merged into");
        AdapterOptions options = layout.ReadOptions(config);
        using CheckpointFiles files = CheckpointFiles.OpenAdapter(folder);
        var weights = new AdapterWeights(model, files, layout.Prefix);
        var adapter = new Adapter(model, options, name, enabled) { Source = config };
        try
        {
            layout.ReadParts(adapter, weights);
            TokenRows.Read(adapter, weights); // last, as when they were trained: they stand in for what other parts make of a row
            foreach (string key in weights.Remaining.ToArray())
            {
                Parameter parameter = weights.CopiedBy(key);
                adapter.TakeCopy(parameter, weights.Take(key, parameter.Base.Shape));
            }
        }
        catch
        {
            adapter.Detach();
            throw;
        }

        adapter.SetTrainable(false);
        return adapter;
    }

    /// <summary>How many tokens the base of an adapter has to know: more than it does where the adapter brings rows for new ones. Null where it brings none.</summary>
    /// <param name="folder">The adapter's folder.</param>
    /// <exception cref="CheckpointException">The configuration is absent or malformed.</exception>
    public static int? TokensOf(string folder) =>
        TokenRows.IdsOf(PeftAdapterConfig.Read(Path.Combine(folder, PeftAdapterConfig.FileName))).SelectMany(item => item.Ids).Select(id => (int?)(id + 1)).Max();

    private static PeftLayout? FindLayout(string type, KindCatalog? kinds) =>
        (kinds ?? BuiltIns.Kinds()).Defaults<TuningOptions>().OfType<AdapterOptions>().Select(options => options.Layout).FirstOrDefault(layout => layout.PeftType == type);

    private static string NameOfCopy(Adapter adapter, Parameter parameter)
    {
        int dot = parameter.Name.LastIndexOf('.');
        string path = parameter.Name[..dot];
        return adapter.Parts.Any(part => part.Place.Path == path) ? $"{path}{BaseLayer}{parameter.Name[(dot + 1)..]}" : parameter.Name;
    }

    private static PeftAdapterConfig Describe(Adapter adapter) => adapter.Options.Layout.Describe(adapter) with
    {
        PeftType = adapter.Options.Layout.PeftType,
        TaskType = adapter.Model switch { TextModel { ClassificationHead: not null } => "SEQ_CLS", TextModel { Backbone.IsCausal: true } => "CAUSAL_LM", _ => null },
    };
}
