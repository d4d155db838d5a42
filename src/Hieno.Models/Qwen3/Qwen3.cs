using Hieno.Formats;
using Hieno.Models.Decoders;
using Hieno.Models.Layers;
using Hieno.Models.Llama;

namespace Hieno.Models.Qwen3;

/// <summary>Qwen3: Llama whose queries and keys are normalised head by head, in place of Qwen2's offsets.</summary>
/// <remarks>Yang et al. 2025, <see href="https://arxiv.org/abs/2505.09388"/>, section 2.</remarks>
public sealed class Qwen3Family : LlamaFamily
{
    /// <inheritdoc/>
    public override string ModelType => "qwen3";

    /// <inheritdoc/>
    protected override string ClassPrefix => "Qwen3";

    /// <inheritdoc/>
    protected override DecoderSettings Settings(ModelConfig config) =>
        WithHeadNorms(config, DecoderSettings.OfLlamaKeys(config, headWidth: 128)) with { Window = Qwen2Family.UpperWindow(config) };

    /// <summary>The settings with Qwen3's norms of queries and keys.</summary>
    internal static DecoderSettings WithHeadNorms(ModelConfig config, DecoderSettings settings)
    {
        float eps = config.GetFloat("rms_norm_eps", 1e-6f);
        return settings with { HeadNorm = (w, _) => new HeadNorm(new RmsNorm(w, settings.HeadWidth, eps), settings.HeadWidth) };
    }
}
