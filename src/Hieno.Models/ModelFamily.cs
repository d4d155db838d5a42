using System.Text.Json;
using System.Text.Json.Nodes;
using Hieno.Formats;
using Hieno.Models.Heads;

namespace Hieno.Models;

/// <summary>How the checkpoints of one model family are read. A new family is one subclass and one line in <see cref="BuiltInModels"/>.</summary>
public abstract class ModelFamily
{
    /// <summary>The name in <c>config.json</c>, e.g. <c>llama</c>.</summary>
    public abstract string ModelType { get; }

    /// <summary>What names of the bare model begin with, e.g. <c>bert</c>; files that leave it out are read as well.</summary>
    public abstract string BasePrefix { get; }

    /// <summary>Endings of the linear layers that LoRA adapts unless told otherwise: PEFT's choice for this family.</summary>
    public abstract IReadOnlyList<string> DefaultTargets { get; }

    /// <summary>The key of the configuration that says how many blocks there are.</summary>
    public virtual string BlockCountKey => "num_hidden_layers";

    /// <summary>
    /// Endings of the layers whose outputs a block adds to the residual stream, where it adds nothing else: with these at 0 a block gives what it
    /// read. Default: none, as in blocks that normalise the sum.
    /// </summary>
    public virtual IReadOnlyList<string> ResidualOutputs => [];

    /// <summary>The class that the usual Python library gives a model with this output layer, for the configuration's <c>architectures</c>.</summary>
    public abstract string Architecture(HeadKind head);

    /// <summary>Builds the body.</summary>
    public abstract Backbone CreateBackbone(ModelConfig config, WeightScope root);

    /// <summary>Builds the output layer that predicts tokens: the next one, or those masked out.</summary>
    public abstract VocabularyHead CreateLanguageHead(ModelConfig config, WeightScope root, Backbone backbone);

    /// <summary>Builds the output layer that gives each row <paramref name="outputs"/> numbers.</summary>
    public abstract ClassificationHead CreateClassificationHead(ModelConfig config, WeightScope root, Backbone backbone, int outputs);

    /// <summary>The longest row that a model of this configuration reads, in tokens.</summary>
    public virtual int MaxPositions(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        return config.GetInt("max_position_embeddings", 2048);
    }

    /// <summary>
    /// The configuration of a body of the same shape, 1 / <paramref name="divisor"/> as wide, for networks that are built of this family's blocks; it
    /// has no vocabulary or positions to speak of. Default: null, the family has none.
    /// </summary>
    /// <param name="config">The model's configuration.</param>
    /// <param name="divisor">At least 1; it divides the width.</param>
    public virtual ModelConfig? Narrow(ModelConfig config, int divisor) => null;

    /// <summary>A configuration with some keys changed; null takes a key out.</summary>
    protected static ModelConfig With(ModelConfig config, params (string Key, int? Value)[] changes)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(changes);
        JsonObject json = JsonObject.Create(config.Json)!;
        foreach ((string key, int? value) in changes)
        {
            json.Remove(key);
            if (value is { } number)
            {
                json[key] = number;
            }
        }

        using JsonDocument document = JsonDocument.Parse(json.ToJsonString());
        return ModelConfig.From(document.RootElement.Clone(), config.Path);
    }

    /// <summary>How many heads a narrower body has: as many of the same width as fit, else one.</summary>
    /// <param name="width">Its width.</param>
    /// <param name="headWidth">Width of a head of the wider body.</param>
    protected static int NarrowHeads(int width, int headWidth) => width % headWidth == 0 ? width / headWidth : 1;

    /// <summary>True for a tensor that this family's files may hold although the model at hand has no use for it: another task's head, an old buffer.</summary>
    public virtual bool IsForeign(string name) => false;
}

/// <summary>The model families that can be read, by the name in <c>config.json</c>.</summary>
public sealed class ModelCatalog
{
    private readonly Dictionary<string, ModelFamily> _families = new(StringComparer.Ordinal);

    /// <summary>All names, sorted.</summary>
    public IEnumerable<string> Names => _families.Keys.Order(StringComparer.Ordinal);

    /// <summary>Adds a family.</summary>
    /// <returns>This catalog.</returns>
    public ModelCatalog Add(ModelFamily family)
    {
        ArgumentNullException.ThrowIfNull(family);
        _families.Add(family.ModelType, family);
        return this;
    }

    /// <summary>The family that <paramref name="config"/> names, or null where it is unknown.</summary>
    public ModelFamily? Find(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        return _families.GetValueOrDefault(config.ModelType);
    }
}
