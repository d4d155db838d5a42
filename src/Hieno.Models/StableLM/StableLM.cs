using Hieno.Formats;
using Hieno.Models.Decoders;
using Hieno.Models.Layers;
using Hieno.Models.Llama;

namespace Hieno.Models.StableLM;

/// <summary>StableLM: Llama with layer norms, a quarter of each head rotated, and variants with normalised heads or with the parts side by side.</summary>
/// <remarks>Bellagente et al. 2024, <see href="https://arxiv.org/abs/2402.17834"/>, section 3.1.</remarks>
public sealed class StableLMFamily : LlamaFamily
{
    /// <inheritdoc/>
    public override string ModelType => "stablelm";

    /// <inheritdoc/>
    protected override string ClassPrefix => "StableLm";

    /// <inheritdoc/>
    protected override DecoderSettings Settings(ModelConfig config)
    {
        DecoderSettings settings = DecoderSettings.OfLlamaKeys(config, new RopeKeys { DefaultPart = 0.25 });
        float eps = config.GetFloat("layer_norm_eps", 1e-5f);
        bool parallel = config.GetBool("use_parallel_residual", false);
        return settings with
        {
            Names = settings.Names with
            {
                FeedForwardNorm = parallel ? null : settings.Names.FeedForwardNorm,
                QueryNorm = "self_attn.q_layernorm",
                KeyNorm = "self_attn.k_layernorm",
            },
            Parallel = parallel,
            Norm = w => new LayerNorm(w, settings.Width, eps),
            HeadNorm = config.GetBool("qk_layernorm", false) ? (w, heads) => new ScaledHeadNorm(w, heads, settings.HeadWidth, eps, apart: true) : null,
            QueryKeyValueBias = config.GetBool("use_qkv_bias", false),
            OutputBias = false,
            FeedForwardDropout = config.GetFloat("hidden_dropout", 0f),
        };
    }
}
