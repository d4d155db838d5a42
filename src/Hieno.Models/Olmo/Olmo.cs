using Hieno.Formats;
using Hieno.Models.Decoders;
using Hieno.Models.Layers;
using Hieno.Models.Llama;

namespace Hieno.Models.Olmo;

/// <summary>OLMo: Llama with layer norms that have no weights, and queries, keys and values that may be cut off at a limit.</summary>
/// <remarks>Groeneveld et al. 2024, <see href="https://arxiv.org/abs/2402.00838"/>, section 2.1.</remarks>
public sealed class OlmoFamily : LlamaFamily
{
    /// <inheritdoc/>
    public override string ModelType => "olmo";

    /// <inheritdoc/>
    protected override string ClassPrefix => "Olmo";

    /// <inheritdoc/>
    protected override DecoderSettings Settings(ModelConfig config)
    {
        const float Eps = 1e-5f; // no key states it
        DecoderSettings settings = DecoderSettings.OfLlamaKeys(config);
        return settings with
        {
            Norm = w => new LayerNorm(w, settings.Width, Eps, gain: false, bias: false),
            QueryKeyValueLimit = config.GetFloat("clip_qkv", 0f),
        };
    }
}
