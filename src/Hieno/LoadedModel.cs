using System.Text.Json;
using System.Text.Json.Nodes;
using Hieno.Data;
using Hieno.Formats;
using Hieno.Formats.Durable;
using Hieno.Formats.Peft;
using Hieno.Models;
using Hieno.Models.Vision;
using Hieno.Models.Vision.Clip;
using Hieno.Objectives;
using Hieno.Recipes;
using Hieno.Tensors;
using Hieno.Training;
using Hieno.Tuning;

namespace Hieno;

/// <summary>A model that was opened to be used: a base model, a tuned one, an adapter on its base, or what a run has left.</summary>
public sealed class LoadedModel
{
    private readonly ModelTokenizer? _tokenizer;
    private readonly ImagePreparation? _pictures;
    private readonly string _companions; // the folder of the tokenizer's files, or of the preparation of pictures

    private LoadedModel(PretrainedModel model, IReadOnlyList<Adapter> adapters, ModelConfig config, string folder, string companions)
    {
        (Model, Adapters, Config, Folder, _companions) = (model, adapters, config, folder, companions);
        _pictures = model switch
        {
            VisionModel vision => ImagePreparation.Of(companions, vision.Family, config),
            ClipModel => ImagePreparation.Of(companions, VisionModel.FamilyOf(config), config),
            _ => null,
        };
        _tokenizer = model is VisionModel ? null : ModelTokenizer.Load(companions);
    }

    /// <summary>The model, with the adapter attached where there is one.</summary>
    public PretrainedModel Model { get; }

    /// <summary>The model as one that reads text.</summary>
    /// <exception cref="CheckpointException">It reads pictures.</exception>
    public TextModel Text => Model as TextModel ?? throw ReadsPictures();

    /// <summary>The tokenizer of a text model.</summary>
    /// <exception cref="CheckpointException">The model reads pictures.</exception>
    public ModelTokenizer Tokenizer => _tokenizer ?? throw ReadsPictures();

    /// <summary>How the pictures of a vision model are made ready.</summary>
    /// <exception cref="CheckpointException">The model reads text.</exception>
    public ImagePreparation Pictures => _pictures
        ?? throw new CheckpointException(ErrorCodes.CheckpointFamilyUnknown, Folder, $"the model ({Model.Config.ModelType}) reads text, and one that reads pictures is needed here", "Give a vision model");

    /// <summary>The adapters, in the order in which they act; none for a whole model.</summary>
    public IReadOnlyList<Adapter> Adapters { get; }

    /// <summary>The adapter, the first where there are several, or null.</summary>
    public Adapter? Adapter => Adapters.Count > 0 ? Adapters[0] : null;

    /// <summary>What the adapters' configurations ask for that is not known or not applied here, one sentence each.</summary>
    public IReadOnlyList<string> Warnings => [.. Adapters.SelectMany(adapter => adapter.Source?.Warnings ?? [])];

    /// <summary>The base model's configuration, with label names and problem type of the task it was tuned for.</summary>
    public ModelConfig Config { get; }

    /// <summary>The folder that was opened: that of the model or of the adapter.</summary>
    public string Folder { get; }

    /// <summary>Opens a model.</summary>
    /// <param name="path">A model folder, an adapter folder, or a run's folder.</param>
    /// <param name="head">The output layer; as the model was tuned when null.</param>
    /// <param name="baseModel">The base of an adapter, where it is no longer where the adapter says.</param>
    /// <param name="models">The families known; the built-in ones when null.</param>
    /// <param name="backend">Where it computes; the CPU when null.</param>
    /// <param name="kinds">The methods whose adapters are known; the built-in ones when null.</param>
    /// <param name="quantized">False opens an adapter's base as it is in its file even where it was quantised in training; true (default) as it was in training.</param>
    /// <param name="visionModels">The vision families known; the built-in ones when null.</param>
    /// <exception cref="CheckpointException">A file is missing or malformed, or the adapter does not fit its base.</exception>
    public static LoadedModel Open(
        string path, HeadKind? head = null, string? baseModel = null, ModelCatalog? models = null, Backend? backend = null, KindCatalog? kinds = null, bool quantized = true, VisionCatalog? visionModels = null)
    {
        string folder = FolderOf(path);
        if (!AdapterFolders.Exists(folder))
        {
            ModelConfig own = ModelConfig.Read(folder);
            return new LoadedModel(Load(folder, own, head, models, visionModels, backend, tokens: null, quantization: null), [], own, folder, folder);
        }

        string baseFolder = baseModel ?? BaseOf(folder);
        ModelConfig config = WithTask(ModelConfig.Read(baseFolder), folder);
        WeightQuantization? quantization = quantized ? QuantizedBase.Read(AdapterFolders.Of(folder)[0]) : null;
        PretrainedModel model = Load(baseFolder, config, head, models, visionModels, backend, AdapterFolders.TokensOf(folder), quantization);
        IReadOnlyList<Adapter> adapters = AdapterFolders.Load(model, folder, kinds);
        if (adapters.SelectMany(adapter => adapter.Parts).OfType<MultitaskPromptVectors>().SingleOrDefault() is { } prompt && config.GetStrings(AdapterTask.PromptTasksKey) is { } tasks)
        {
            prompt.Tasks = tasks;
        }

        bool hasCompanions = Formats.Tokenizers.Tokenizer.ExistsIn(folder) || File.Exists(Path.Combine(folder, ImagePreparation.FileName));
        return new LoadedModel(model, adapters, config, folder, hasCompanions ? folder : baseFolder);
    }

    /// <summary>Saves a whole model with the adapters' changes in its weights, which needs no adapter. This model stays as it is.</summary>
    /// <param name="folder">A folder that is absent or empty.</param>
    /// <exception cref="InvalidOperationException">There is no adapter.</exception>
    /// <exception cref="StorageException">The folder holds something, or the model could not be written.</exception>
    public void SaveMerged(string folder)
    {
        if (Adapters.Count == 0)
        {
            throw new InvalidOperationException("There is no adapter to merge.");
        }

        MergedAdapters merged = MergedAdapters.Merge(Adapters);
        try
        {
            WeightFiles.SaveNew(folder, writer => WeightFiles.SaveModel(Model, writer.Folder, _companions));
        }
        finally
        {
            merged.Unmerge();
        }
    }

    /// <summary>The folder of the weights: that of a run's tuned model, else the path itself.</summary>
    /// <exception cref="CheckpointException">The run has not ended.</exception>
    internal static string FolderOf(string path)
    {
        string final = Path.Combine(path, RunFolder.FinalName);
        return !File.Exists(Path.Combine(path, RunFolder.EventsFileName)) ? path
            : Directory.Exists(final) ? final
            : throw new CheckpointException(ErrorCodes.CheckpointFileUnreadable, path, "this run has not ended, so there is no tuned model yet", "Go on with it by --resume");
    }

    /// <summary>What an objective is told of this model.</summary>
    /// <param name="data">Columns and files.</param>
    /// <param name="maxLength">The longest row in tokens; what the model can read, at most 1024, when null.</param>
    /// <param name="seed">The seed of what is drawn.</param>
    /// <param name="log">Where to say what a user should know.</param>
    public ObjectiveContext ContextOf(DataOptions data, int? maxLength, ulong seed, Action<string> log) => (_tokenizer, _pictures) is ({ } tokenizer, { } preparation)
        ? new ObjectiveContext(tokenizer, preparation, Config, data, maxLength ?? ClipModel.TextPositions(Config), seed, log)
        : _pictures is { } pictures ? new ObjectiveContext(pictures, Config, data, seed, log)
        : new ObjectiveContext(Tokenizer, Config, data, maxLength ?? Math.Min(Text.Backbone.MaxTextLength, 1024), log);

    private static PretrainedModel Load(
        string folder, ModelConfig config, HeadKind? head, ModelCatalog? models, VisionCatalog? visionModels, Backend? backend, int? tokens, WeightQuantization? quantization)
    {
        HeadChoice choice = ChoiceOf(config, head, visionModels);
        return choice.Kind == HeadKind.PicturesAndTexts ? ClipModel.Load(folder, backend, config)
            : choice.Kind == HeadKind.Pictures ? VisionModel.Load(folder, choice.Outputs, 0, visionModels, backend, config, replacesHead: false)
            : TextModel.Load(folder, choice, 0, models, backend, config, tokens, quantization);
    }

    private CheckpointException ReadsPictures() =>
        new(ErrorCodes.CheckpointFamilyUnknown, Folder, $"the model ({Model.Config.ModelType}) reads pictures, and a text model is needed here", "Give a text model");

    // A relative base is meant from where the run was started; from the adapter's own folder is tried too.
    private static string BaseOf(string folder)
    {
        PeftAdapterConfig config = AdapterFolders.ConfigOf(folder);
        string configPath = config.Path;
        string name = config.BaseModel
            ?? throw new CheckpointException(ErrorCodes.CheckpointConfigKeyMissing, configPath, "it does not name its base model", "Pass the base model's folder with --base");
        foreach (string candidate in (ReadOnlySpan<string>)[name, Path.Combine(folder, name)])
        {
            if (File.Exists(Path.Combine(candidate, ModelConfig.FileName)))
            {
                return candidate;
            }
        }

        throw new CheckpointException(ErrorCodes.CheckpointFileUnreadable, configPath, $"its base model '{name}' is not there", "Pass the base model's folder with --base");
    }

    private static ModelConfig WithTask(ModelConfig config, string folder)
    {
        string path = Path.Combine(folder, AdapterTask.FileName);
        if (!File.Exists(path))
        {
            return config;
        }

        JsonObject merged = JsonObject.Create(config.Json)!;
        foreach (JsonProperty item in ModelConfig.Read(path).Json.EnumerateObject())
        {
            merged[item.Name] = JsonNode.Parse(item.Value.GetRawText());
        }

        using JsonDocument document = JsonDocument.Parse(merged.ToJsonString());
        return ModelConfig.From(document.RootElement.Clone(), path);
    }

    /// <summary>The output layer that a configuration asks for: numbers for each picture or row where it was tuned for that, else tokens.</summary>
    public static HeadChoice HeadOf(ModelConfig config) => ChoiceOf(config, null, null);

    private static HeadChoice ChoiceOf(ModelConfig config, HeadKind? head, VisionCatalog? visionModels)
    {
        if (head is HeadKind.PicturesAndTexts || (head is null && config.GetStrings("architectures") is ["CLIPModel", ..]))
        {
            return HeadChoice.PicturesAndTexts;
        }

        if ((visionModels ?? BuiltInVisionModels.Catalog()).Find(config) is not null && head is null or HeadKind.Pictures)
        {
            return HeadChoice.Pictures(config.GetLabels()?.Count ?? config.GetInt("num_labels", 2));
        }

        bool classifier = config.Has("problem_type") || (config.GetStrings("architectures")?.Any(name => name.EndsWith("ForSequenceClassification", StringComparison.Ordinal)) ?? false);
        return (head ?? (classifier ? HeadKind.Classification : HeadKind.Language)) == HeadKind.Classification
            ? HeadChoice.Classification(config.GetLabels()?.Count ?? config.GetInt("num_labels", 2))
            : HeadChoice.Language;
    }
}
