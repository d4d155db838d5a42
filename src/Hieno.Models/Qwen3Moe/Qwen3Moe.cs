using Hieno.Formats;
using Hieno.Models.Decoders;
using Hieno.Models.Llama;
using Hieno.Models.Qwen3;

namespace Hieno.Models.Qwen3Moe;

/// <summary>Qwen3 with a mixture of experts.</summary>
/// <remarks>Yang et al. 2025, <see href="https://arxiv.org/abs/2505.09388"/>, section 2.</remarks>
public sealed class Qwen3MoeFamily : LlamaFamily
{
    /// <inheritdoc/>
    public override string ModelType => "qwen3_moe";

    /// <inheritdoc/>
    public override IReadOnlyList<string> ResidualOutputs => []; // one more block could change which blocks have experts

    /// <inheritdoc/>
    public override ModelConfig? Narrow(ModelConfig config, int divisor) => null; // experts are not narrowed

    /// <inheritdoc/>
    protected override string ClassPrefix => "Qwen3Moe";

    /// <inheritdoc/>
    protected override DecoderSettings Settings(ModelConfig config)
    {
        DecoderSettings settings = Qwen3Family.WithHeadNorms(config, DecoderSettings.OfLlamaKeys(config));
        ExpertSettings experts = Experts.Read(config, "num_experts", 128, 8, config.GetInt("moe_intermediate_size", 768));
        int window = config.GetBool("use_sliding_window", false) ? config.GetInt("sliding_window", 4096) : 0;
        return settings with
        {
            FeedForward = Experts.OfQwen(config, experts),
            BalanceWeight = experts.BalanceWeight,
            Window = _ => window > 0 ? window : null,
        };
    }
}
