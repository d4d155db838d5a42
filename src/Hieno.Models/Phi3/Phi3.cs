using Hieno.Formats;
using Hieno.Models.Decoders;
using Hieno.Models.Llama;

namespace Hieno.Models.Phi3;

/// <summary>Phi-3: Llama with one layer for queries, keys and values, and one for gate and up.</summary>
/// <remarks>Abdin et al. 2024, <see href="https://arxiv.org/abs/2404.14219"/>, section 2.</remarks>
public sealed class Phi3Family : LlamaFamily
{
    /// <inheritdoc/>
    public override string ModelType => "phi3";

    /// <inheritdoc/>
    public override IReadOnlyList<string> DefaultTargets => ["qkv_proj"];

    /// <inheritdoc/>
    protected override string ClassPrefix => "Phi3";

    /// <inheritdoc/>
    public override ModelConfig? Narrow(ModelConfig config, int divisor) => null; // rows of fused layers cannot be picked head by head

    /// <inheritdoc/>
    protected override DecoderSettings Settings(ModelConfig config)
    {
        DecoderSettings settings = DecoderSettings.OfLlamaKeys(config, eps: ("rms_norm_eps", 1e-5f));
        int window = config.GetInt("sliding_window", 0);
        float dropout = config.GetFloat("resid_pdrop", 0f);
        return settings with
        {
            Names = settings.Names with { Fused = "self_attn.qkv_proj", Gate = null, Up = "mlp.gate_up_proj" },
            FeedForward = (all, w, _) => new FusedGatedFeedForward(all, w),
            AttentionOutputDropout = dropout,
            FeedForwardDropout = dropout,
            Window = _ => window > 0 ? window : null,
        };
    }
}
