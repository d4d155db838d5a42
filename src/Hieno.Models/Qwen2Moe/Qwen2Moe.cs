using Hieno.Formats;
using Hieno.Models.Decoders;
using Hieno.Models.Llama;

namespace Hieno.Models.Qwen2Moe;

/// <summary>Qwen2 with a mixture of experts, one of which all tokens go through.</summary>
/// <remarks>Yang et al. 2024, <see href="https://arxiv.org/abs/2407.10671"/>, section 2.2.2.</remarks>
public sealed class Qwen2MoeFamily : LlamaFamily
{
    /// <inheritdoc/>
    public override string ModelType => "qwen2_moe";

    /// <inheritdoc/>
    public override IReadOnlyList<string> ResidualOutputs => []; // one more block could change which blocks have experts

    /// <inheritdoc/>
    public override ModelConfig? Narrow(ModelConfig config, int divisor) => null; // experts are not narrowed

    /// <inheritdoc/>
    protected override string ClassPrefix => "Qwen2Moe";

    /// <inheritdoc/>
    protected override DecoderSettings Settings(ModelConfig config)
    {
        DecoderSettings settings = DecoderSettings.OfLlamaKeys(config);
        ExpertSettings experts = Experts.Read(config, "num_experts", 60, 4, config.GetInt("moe_intermediate_size", 1408)) with
        {
            SharedHidden = config.GetInt("shared_expert_intermediate_size", 5632),
        };
        return settings with
        {
            QueryKeyValueBias = config.GetBool("qkv_bias", true),
            OutputBias = false,
            FeedForward = Experts.OfQwen(config, experts),
            BalanceWeight = experts.BalanceWeight,
            Window = Qwen2Family.UpperWindow(config),
        };
    }
}
