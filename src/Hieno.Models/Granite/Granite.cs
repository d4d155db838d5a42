using Hieno.Formats;
using Hieno.Models.Decoders;
using Hieno.Models.Llama;

namespace Hieno.Models.Granite;

/// <summary>Granite: Llama with factors for embeddings, scores, residual additions and logits.</summary>
/// <remarks>IBM Granite Team 2024, "Granite 3.0 language models", section 2.</remarks>
public sealed class GraniteFamily : LlamaFamily
{
    /// <inheritdoc/>
    public override string ModelType => "granite";

    /// <inheritdoc/>
    protected override string ClassPrefix => "Granite";

    /// <inheritdoc/>
    protected override DecoderSettings Settings(ModelConfig config)
    {
        DecoderSettings settings = DecoderSettings.OfLlamaKeys(config);
        float attention = config.GetFloat("attention_multiplier", 1f);
        float logits = config.GetFloat("logits_scaling", 1f);
        return settings with
        {
            EmbeddingScale = config.GetFloat("embedding_multiplier", 1f),
            ResidualScale = config.GetFloat("residual_multiplier", 1f),
            AttentionScale = _ => attention,
            LogitScale = logits != 0f ? 1f / logits : throw config.Error("logits_scaling", "is 0, by which logits cannot be divided", "Use the configuration that came with the weights"),
        };
    }
}
