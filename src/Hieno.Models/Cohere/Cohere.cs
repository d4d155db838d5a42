using Hieno.Formats;
using Hieno.Models.Decoders;
using Hieno.Models.Layers;
using Hieno.Models.Llama;
using Hieno.Tensors;

namespace Hieno.Models.Cohere;

/// <summary>Cohere (Command R): attention and feed-forward layers side by side, layer norms without shift, neighbouring lanes rotated, scaled logits.</summary>
/// <remarks>Side by side: Wang and Komatsuzaki 2021, "GPT-J-6B".</remarks>
public sealed class CohereFamily : LlamaFamily
{
    /// <inheritdoc/>
    public override string ModelType => "cohere";

    /// <inheritdoc/>
    protected override string ClassPrefix => "Cohere";

    /// <inheritdoc/>
    protected override DecoderSettings Settings(ModelConfig config)
    {
        DecoderSettings settings = Read(config);
        float eps = config.GetFloat("layer_norm_eps", 1e-5f);
        return config.GetBool("use_qk_norm", false)
            ? settings with { HeadNorm = (w, heads) => new ScaledHeadNorm(w, heads, settings.HeadWidth, eps, apart: false) }
            : settings;
    }

    /// <summary>The settings that the first Cohere shares with the second.</summary>
    internal static DecoderSettings Read(ModelConfig config)
    {
        DecoderSettings settings = DecoderSettings.OfLlamaKeys(config, tied: true);
        float eps = config.GetFloat("layer_norm_eps", 1e-5f);
        return settings with
        {
            Names = settings.Names with { FeedForwardNorm = null },
            Parallel = true,
            Norm = w => new LayerNorm(w, settings.Width, eps, bias: false),
            RopeLayout = RopeLayout.Interleaved,
            LogitScale = config.GetFloat("logit_scale", 0.0625f),
        };
    }
}
