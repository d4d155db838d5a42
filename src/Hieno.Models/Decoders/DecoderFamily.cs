using Hieno.Formats;
using Hieno.Models.Heads;

namespace Hieno.Models.Decoders;

/// <summary>How the checkpoints of decoders are read. A family is its settings and names.</summary>
public abstract class DecoderFamily : ModelFamily
{
    /// <inheritdoc/>
    public override string BasePrefix => "model";

    /// <inheritdoc/>
    public override IReadOnlyList<string> DefaultTargets => ["q_proj", "v_proj"];

    /// <inheritdoc/>
    public override string Architecture(HeadKind head) => ClassPrefix + (head == HeadKind.Language ? "ForCausalLM" : "ForSequenceClassification");

    /// <inheritdoc/>
    public override int MaxPositions(ModelConfig config) => Settings(config).Positions;

    /// <inheritdoc/>
    public override Backbone CreateBackbone(ModelConfig config, WeightScope root)
    {
        ArgumentNullException.ThrowIfNull(root);
        return new DecoderBackbone(Settings(config), root.At(BodyPath));
    }

    /// <inheritdoc/>
    public override VocabularyHead CreateLanguageHead(ModelConfig config, WeightScope root, Backbone backbone)
    {
        ArgumentNullException.ThrowIfNull(root);
        DecoderSettings settings = Settings(config);
        return new CausalHead(root.At(settings.Names.Head), backbone, settings.Tied, settings.Normal, settings.HeadBias, settings.LogitScale, settings.LogitLimit);
    }

    /// <inheritdoc/>
    public override ClassificationHead CreateClassificationHead(ModelConfig config, WeightScope root, Backbone backbone, int outputs)
    {
        ArgumentNullException.ThrowIfNull(root);
        return new LastTokenHead(root.At("score"), backbone, outputs, Settings(config).Normal);
    }

    /// <inheritdoc/>
    public override bool IsForeign(string name) =>
        base.IsForeign(name) || name is "score.weight" or "lm_head.weight" or "lm_head.bias" or "embed_out.weight" || s_buffers.Any(buffer => name.EndsWith(buffer, StringComparison.Ordinal));

    /// <summary>What the names of the family's classes begin with in the usual Python library.</summary>
    protected abstract string ClassPrefix { get; }

    /// <summary>Where the body lies; below <see cref="ModelFamily.BasePrefix"/>, or there.</summary>
    protected virtual string BodyPath => BasePrefix;

    /// <summary>The settings of this family.</summary>
    protected abstract DecoderSettings Settings(ModelConfig config);

    /// <summary>The first of <paramref name="keys"/> that a configuration has; the first of all where it has none.</summary>
    protected static string KeyOf(ModelConfig config, params ReadOnlySpan<string> keys)
    {
        ArgumentNullException.ThrowIfNull(config);
        foreach (string key in keys)
        {
            if (config.Has(key))
            {
                return key;
            }
        }

        return keys[0];
    }

    // Masks and tables of old files, which can be computed.
    private static readonly string[] s_buffers = [".rotary_emb.inv_freq", ".attn.bias", ".attn.masked_bias", ".attention.bias", ".attention.masked_bias"];
}
