using Hieno.Formats;
using Hieno.Models.Decoders;
using Hieno.Models.Llama;

namespace Hieno.Models.Mixtral;

/// <summary>Mixtral: Mistral with a mixture of experts in each block.</summary>
/// <remarks>Jiang et al. 2024, <see href="https://arxiv.org/abs/2401.04088"/>, section 2.</remarks>
public sealed class MixtralFamily : LlamaFamily
{
    /// <inheritdoc/>
    public override string ModelType => "mixtral";

    /// <inheritdoc/>
    public override IReadOnlyList<string> ResidualOutputs => ["self_attn.o_proj", "w2"];

    /// <inheritdoc/>
    public override ModelConfig? Narrow(ModelConfig config, int divisor) => null; // experts are not narrowed

    /// <inheritdoc/>
    protected override string ClassPrefix => "Mixtral";

    /// <inheritdoc/>
    protected override DecoderSettings Settings(ModelConfig config)
    {
        DecoderSettings settings = DecoderSettings.OfLlamaKeys(config, new RopeKeys { DefaultTheta = 1_000_000 }, eps: ("rms_norm_eps", 1e-5f));
        if (config.GetFloat("router_jitter_noise", 0f) != 0f)
        {
            throw config.Error("router_jitter_noise", $"is {config.GetFloat("router_jitter_noise", 0f)}, but routers are read without noise", "Set it to 0");
        }

        int window = config.GetInt("sliding_window", 0);
        ExpertSettings experts = Experts.Read(config, "num_local_experts", 8, 2, settings.Hidden) with
        {
            Path = "block_sparse_moe",
            Names = ("w1", "w3", "w2"),
            Renormalises = true,
        };
        return settings with
        {
            FeedForward = (all, w, layer) => new MixtureOfExperts(all, experts, w, layer),
            BalanceWeight = experts.BalanceWeight,
            Window = _ => window > 0 ? window : null,
        };
    }
}
