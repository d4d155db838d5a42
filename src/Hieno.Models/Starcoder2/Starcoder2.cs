using Hieno.Formats;
using Hieno.Models.Decoders;
using Hieno.Models.Layers;
using Hieno.Models.Llama;

namespace Hieno.Models.Starcoder2;

/// <summary>StarCoder2: Llama's attention with offsets and a sliding window, layer norms, and two feed-forward layers without a gate.</summary>
/// <remarks>Lozhkov et al. 2024, <see href="https://arxiv.org/abs/2402.19173"/>, section 5.2.</remarks>
public sealed class Starcoder2Family : LlamaFamily
{
    /// <inheritdoc/>
    public override string ModelType => "starcoder2";

    /// <inheritdoc/>
    public override IReadOnlyList<string> ResidualOutputs => ["self_attn.o_proj", "mlp.c_proj"];

    /// <inheritdoc/>
    protected override string ClassPrefix => "Starcoder2";

    /// <inheritdoc/>
    protected override DecoderSettings Settings(ModelConfig config)
    {
        DecoderSettings settings = DecoderSettings.OfLlamaKeys(config, tied: true);
        float eps = config.GetFloat("norm_epsilon", 1e-5f);
        bool bias = config.GetBool("use_bias", true);
        int window = config.GetInt("sliding_window", 0);
        float dropout = config.GetFloat("residual_dropout", 0f);
        return settings with
        {
            Names = settings.Names with { Gate = null, Up = "mlp.c_fc", Down = "mlp.c_proj" },
            Norm = w => new LayerNorm(w, settings.Width, eps),
            Activation = config.GetActivation("hidden_act", "gelu_pytorch_tanh"),
            QueryKeyValueBias = bias,
            OutputBias = bias,
            FeedForwardBias = bias,
            EmbeddingDropout = config.GetFloat("embedding_dropout", 0f),
            AttentionOutputDropout = dropout,
            FeedForwardDropout = dropout,
            Window = _ => window > 0 ? window : null,
        };
    }
}
