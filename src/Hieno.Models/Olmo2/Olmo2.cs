using Hieno.Formats;
using Hieno.Models.Decoders;
using Hieno.Models.Layers;
using Hieno.Models.Llama;

namespace Hieno.Models.Olmo2;

/// <summary>OLMo 2: Llama with norms behind the parts in place of those before them, and norms of all queries and all keys together.</summary>
/// <remarks>OLMo Team 2024, <see href="https://arxiv.org/abs/2501.00656"/>, section 2.1.</remarks>
public sealed class Olmo2Family : LlamaFamily
{
    /// <inheritdoc/>
    public override string ModelType => "olmo2";

    /// <inheritdoc/>
    protected override string ClassPrefix => "Olmo2";

    /// <inheritdoc/>
    protected override DecoderSettings Settings(ModelConfig config)
    {
        DecoderSettings settings = DecoderSettings.OfLlamaKeys(config, eps: ("rms_norm_eps", 1e-5f));
        float eps = config.GetFloat("rms_norm_eps", 1e-5f);
        return settings with
        {
            Names = settings.Names with
            {
                AttentionNorm = null,
                AfterAttentionNorm = "post_attention_layernorm",
                FeedForwardNorm = null,
                AfterFeedForwardNorm = "post_feedforward_layernorm",
            },
            HeadNorm = (w, heads) => new RmsNorm(w, heads * settings.HeadWidth, eps),
        };
    }
}
