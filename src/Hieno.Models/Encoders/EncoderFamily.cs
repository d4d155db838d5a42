using Hieno.Formats;
using Hieno.Models.Heads;

namespace Hieno.Models.Encoders;

/// <summary>How the checkpoints of encoders are read. A family is its settings, names and heads.</summary>
public abstract class EncoderFamily : ModelFamily
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> DefaultTargets => ["query", "value"];

    /// <inheritdoc/>
    public override string Architecture(HeadKind head) => ClassPrefix + (head == HeadKind.Language ? "ForMaskedLM" : "ForSequenceClassification");

    /// <inheritdoc/>
    public override int MaxPositions(ModelConfig config) => Settings(config).Positions;

    /// <inheritdoc/>
    public override Backbone CreateBackbone(ModelConfig config, WeightScope root)
    {
        ArgumentNullException.ThrowIfNull(root);
        return new EncoderBackbone(Settings(config), root.At(BasePrefix));
    }

    /// <inheritdoc/>
    public override bool IsForeign(string name) =>
        base.IsForeign(name) || name.EndsWith("position_ids", StringComparison.Ordinal) || name.Contains("pooler.", StringComparison.Ordinal)
        || Array.Exists(s_heads, head => name.StartsWith(head, StringComparison.Ordinal));

    /// <summary>What the names of the family's classes begin with in the usual Python library.</summary>
    protected abstract string ClassPrefix { get; }

    /// <summary>The settings of this family.</summary>
    protected abstract EncoderSettings Settings(ModelConfig config);

    // Parts of other tasks' heads.
    private static readonly string[] s_heads =
    [
        "cls.", "classifier.", "qa_outputs.", "lm_head.", "pre_classifier.", "vocab_transform.", "vocab_layer_norm.", "vocab_projector.",
        "predictions.", "sop_classifier.", "discriminator_predictions.", "generator_predictions.", "generator_lm_head.", "head.", "decoder.", "mask_predictions.", "lm_predictions.",
    ];
}
