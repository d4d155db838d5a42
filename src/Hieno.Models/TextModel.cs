using System.Text.Json;
using System.Text.Json.Nodes;
using Hieno.Formats;
using Hieno.Formats.Safetensors;
using Hieno.Models.Heads;
using Hieno.Tensors;

namespace Hieno.Models;

/// <summary>What a model is asked for: its output layer.</summary>
/// <param name="Kind">Tokens, or numbers for each row.</param>
/// <param name="Outputs">Numbers for each row; 0 for tokens.</param>
public readonly record struct HeadChoice(HeadKind Kind, int Outputs)
{
    /// <summary>An output layer that predicts tokens.</summary>
    public static HeadChoice Language => new(HeadKind.Language, 0);

    /// <summary>An output layer of <paramref name="outputs"/> numbers for each picture.</summary>
    public static HeadChoice Pictures(int outputs) => new(HeadKind.Pictures, outputs);

    /// <summary>Vectors of pictures and of texts that are compared.</summary>
    public static HeadChoice PicturesAndTexts => new(HeadKind.PicturesAndTexts, 0);

    /// <summary>An output layer of <paramref name="outputs"/> numbers for each row.</summary>
    public static HeadChoice Classification(int outputs) => new(HeadKind.Classification, outputs);
}

/// <summary>The kinds of output layer.</summary>
public enum HeadKind
{
    /// <summary>Tokens: the next one (causal models) or masked ones.</summary>
    Language,

    /// <summary>Numbers for each row: classes or regression targets.</summary>
    Classification,

    /// <summary>Numbers for each picture: classes or regression targets.</summary>
    Pictures,

    /// <summary>Vectors of pictures and of texts that are compared.</summary>
    PicturesAndTexts,
}

/// <summary>A text model: a body, an output layer, and the configuration they were built from.</summary>
public sealed class TextModel : PretrainedModel
{
    private const string VocabularyKey = "vocab_size"; // in every family's configuration

    private TextModel(ModelConfig config, ModelFamily family, WeightSource source, HeadChoice head)
        : base(config)
    {
        Family = family;
        var root = new WeightScope(source);
        Backbone = Add(family.CreateBackbone(config, root));
        if (head.Kind == HeadKind.Language)
        {
            LanguageHead = Add(family.CreateLanguageHead(config, root, Backbone));
        }
        else
        {
            ClassificationHead = Add(family.CreateClassificationHead(config, root, Backbone, head.Outputs));
        }
    }

    /// <summary>The family.</summary>
    public ModelFamily Family { get; }

    /// <summary>The body.</summary>
    public override Backbone Backbone { get; }

    /// <summary>The output layer that predicts tokens, or null.</summary>
    public VocabularyHead? LanguageHead { get; }

    /// <summary>The output layer that gives each row numbers, or null.</summary>
    public ClassificationHead? ClassificationHead { get; }

    /// <inheritdoc/>
    public override Module Head => (Module?)ClassificationHead ?? LanguageHead!;

    /// <inheritdoc/>
    public override IReadOnlyList<Module> Blocks => Backbone.Blocks;

    /// <inheritdoc/>
    public override int Width => Backbone.Width;

    /// <inheritdoc/>
    public override Backend Backend => Backbone.TokenTable.Value.Backend;

    /// <inheritdoc/>
    public override string Architecture => Family.Architecture(LanguageHead is null ? HeadKind.Classification : HeadKind.Language);

    /// <inheritdoc/>
    public override string BasePrefix => Family.BasePrefix;

    /// <inheritdoc/>
    public override IReadOnlyList<string> DefaultTargets => Family.DefaultTargets;

    /// <inheritdoc/>
    public override bool GradientCheckpointing
    {
        get => Backbone.GradientCheckpointing;
        set => Backbone.GradientCheckpointing = value;
    }

    /// <inheritdoc/>
    public override int CheckpointSpan
    {
        get => Backbone.CheckpointSpan;
        set => Backbone.CheckpointSpan = value;
    }

    /// <summary>How weights of linear layers are stored; null where they are as in their file.</summary>
    public WeightQuantization? Quantization { get; private init; }

    /// <summary>Opens a model folder. Weights are mapped from the files, not copied.</summary>
    /// <param name="folder">A folder with <c>config.json</c> and <c>model.safetensors</c> (or shards with their index).</param>
    /// <param name="head">The output layer; one that the checkpoint does not hold starts at random.</param>
    /// <param name="seed">The seed of a new output layer.</param>
    /// <param name="catalog">The families known; the built-in ones when null.</param>
    /// <param name="backend">Where the weights lie; the default backend when null.</param>
    /// <param name="config">The configuration; that in the folder when null.</param>
    /// <param name="tokens">Tokens that it is to know; where the checkpoint knows fewer, the others' rows are zeros. As many as the checkpoint when null.</param>
    /// <param name="quantization">How weights of linear layers are stored; as in their file when null.</param>
    /// <exception cref="CheckpointException">A file is missing or malformed, the family is unknown, or tensors do not fit; all faults at once.</exception>
    public static TextModel Load(
        string folder, HeadChoice head, ulong seed = 0, ModelCatalog? catalog = null, Backend? backend = null, ModelConfig? config = null, int? tokens = null, WeightQuantization? quantization = null)
    {
        config ??= ModelConfig.Read(folder);
        ModelFamily family = FamilyOf(config, catalog);
        int? known = tokens is null ? null : config.GetInt(VocabularyKey);
        config = WithTokens(config, tokens);
        var files = CheckpointFiles.Open(folder);
        try
        {
            var source = new CheckpointWeights(files, family.BasePrefix, seed, backend, quantization) { KnownTokens = known };
            var model = new TextModel(config, family, source, head) { Quantization = quantization };
            source.ThrowIfFaulty(family.IsForeign);
            (model.NewlyInitialized, model.Unused) = (source.Created, source.Unused);
            return model;
        }
        catch
        {
            files.Dispose(); // no weight of it is in use
            throw;
        }
    }

    /// <inheritdoc/>
    public override TextModel LoadAlike(string folder, ulong seed) => Load(folder, HeadOf(), seed);

    private HeadChoice HeadOf() => ClassificationHead is { } classifier ? HeadChoice.Classification(classifier.Outputs) : HeadChoice.Language;

    /// <summary>A model of another configuration whose weights come from this one's, or wherever <paramref name="source"/> takes them.</summary>
    /// <param name="config">The configuration, of the same family.</param>
    /// <param name="source">The weights.</param>
    public TextModel Rebuild(ModelConfig config, WeightSource source)
    {
        ArgumentNullException.ThrowIfNull(config);
        return new TextModel(config, Family, source, HeadOf()) { NewlyInitialized = NewlyInitialized, Unused = Unused };
    }

    /// <summary>A model with random weights: for pretraining, and as the honest baseline of fine-tuning.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="head">The output layer.</param>
    /// <param name="seed">The seed of all weights.</param>
    /// <param name="catalog">The families known; the built-in ones when null.</param>
    /// <param name="backend">Where the weights lie; the default backend when null.</param>
    /// <param name="tokens">Tokens that it is to know, where these are more than the configuration says.</param>
    /// <exception cref="CheckpointException">A key is missing from the configuration, or the family is unknown.</exception>
    public static TextModel Create(ModelConfig config, HeadChoice head, ulong seed, ModelCatalog? catalog = null, Backend? backend = null, int? tokens = null) =>
        new(WithTokens(config, tokens), FamilyOf(config, catalog), new RandomWeights(seed, backend), head);

    /// <summary>Logits for each token of a batch, [N, V].</summary>
    /// <exception cref="InvalidOperationException">The model has no token output.</exception>
    public Tensor Logits(TokenBatch batch)
    {
        VocabularyHead head = LanguageHead ?? throw new InvalidOperationException("This model was opened as a classifier; open it with HeadChoice.Language.");
        return head.Logits(Backbone.Forward(batch));
    }

    /// <summary>Numbers for each row of a batch, [rows, outputs].</summary>
    /// <exception cref="InvalidOperationException">The model has no classifier.</exception>
    public Tensor Classify(TokenBatch batch)
    {
        ClassificationHead head = ClassificationHead ?? throw new InvalidOperationException("This model was opened as a language model; open it with HeadChoice.Classification.");
        batch = Backbone.WithVirtualTokens(batch); // a head that reads a row's first vector reads a virtual token's, as with PEFT
        return head.Forward(Backbone.Forward(batch, head.TokensRead(batch)), batch);
    }

    private static ModelConfig WithTokens(ModelConfig config, int? tokens)
    {
        if (tokens is null || tokens <= config.GetInt(VocabularyKey))
        {
            return config;
        }

        JsonObject json = JsonObject.Create(config.Json)!;
        json[VocabularyKey] = tokens;
        using JsonDocument document = JsonDocument.Parse(json.ToJsonString());
        return ModelConfig.From(document.RootElement.Clone(), config.Path);
    }

    /// <summary>The family that a configuration names.</summary>
    /// <exception cref="CheckpointException">It is not known; the message lists those that are.</exception>
    public static ModelFamily FamilyOf(ModelConfig config, ModelCatalog? catalog = null)
    {
        ArgumentNullException.ThrowIfNull(config);
        catalog ??= BuiltInModels.Catalog();
        return catalog.Find(config) ?? throw new CheckpointException(
            ErrorCodes.CheckpointFamilyUnknown,
            config.Path,
            $"the model family '{config.ModelType}' is not known. Known are {string.Join(", ", catalog.Names)}",
            "Use a model of one of these families");
    }
}
