using Hieno.Formats;
using Hieno.Models.Decoders;
using Hieno.Models.Layers;

namespace Hieno.Models.Phi;

/// <summary>Phi (1, 1.5, 2): attention and plain feed-forward layers side by side behind one layer norm, half of each head rotated, offsets everywhere.</summary>
/// <remarks>Li et al. 2023, <see href="https://arxiv.org/abs/2309.05463"/>, section 2.</remarks>
public sealed class PhiFamily : DecoderFamily
{
    /// <inheritdoc/>
    public override string ModelType => "phi";

    /// <inheritdoc/>
    public override IReadOnlyList<string> DefaultTargets => ["q_proj", "v_proj", "fc1", "fc2"];

    /// <inheritdoc/>
    public override IReadOnlyList<string> ResidualOutputs => ["self_attn.dense", "mlp.fc2"];

    /// <inheritdoc/>
    protected override string ClassPrefix => "Phi";

    /// <inheritdoc/>
    protected override DecoderSettings Settings(ModelConfig config)
    {
        DecoderSettings settings = DecoderSettings.OfLlamaKeys(config, new RopeKeys { DefaultPart = 0.5 });
        float eps = config.GetFloat("layer_norm_eps", 1e-5f);
        float dropout = config.GetFloat("resid_pdrop", 0f);
        return settings with
        {
            Names = new DecoderNames
            {
                FinalNorm = "final_layernorm",
                FeedForwardNorm = null,
                Output = "self_attn.dense",
                QueryNorm = "self_attn.q_layernorm",
                KeyNorm = "self_attn.k_layernorm",
                Gate = null,
                Up = "mlp.fc1",
                Down = "mlp.fc2",
            },
            Parallel = true,
            Norm = w => new LayerNorm(w, settings.Width, eps),
            HeadNorm = config.GetBool("qk_layernorm", false) ? (w, _) => new HeadNorm(new LayerNorm(w, settings.HeadWidth, eps), settings.HeadWidth) : null,
            Activation = config.GetActivation("hidden_act", "gelu_new"),
            QueryKeyValueBias = true,
            OutputBias = true,
            FeedForwardBias = true,
            HeadBias = true,
            EmbeddingDropout = config.GetFloat("embd_pdrop", 0f),
            AttentionOutputDropout = dropout,
            FeedForwardDropout = dropout,
        };
    }
}
