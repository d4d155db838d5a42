using Hieno.Formats;

namespace Hieno.Models.Decoders;

/// <summary>Mixtures of experts in configurations.</summary>
internal static class Experts
{
    /// <summary>The settings that all families share, with Qwen's names.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="countKey">The key of the number of experts.</param>
    /// <param name="count">What its absence means.</param>
    /// <param name="perToken">What an absent <c>num_experts_per_tok</c> means.</param>
    /// <param name="hidden">Width between an expert's layers.</param>
    /// <exception cref="CheckpointException">A token would go through more experts than there are, or through none.</exception>
    public static ExpertSettings Read(ModelConfig config, string countKey, int count, int perToken, int hidden)
    {
        const string PerTokenKey = "num_experts_per_tok";
        (int experts, int taken) = (config.GetInt(countKey, count), config.GetInt(PerTokenKey, perToken));
        return new ExpertSettings
        {
            Count = experts,
            PerToken = taken >= 1 && taken <= experts
                ? taken
                : throw config.Error(PerTokenKey, $"is {taken}, expected 1 to {experts}, the number of experts", "Use the configuration that came with the weights"),
            Hidden = hidden,
            Renormalises = config.GetBool("norm_topk_prob", false),
            BalanceWeight = config.GetBool("output_router_logits", false) ? config.GetFloat("router_aux_loss_coef", 0.001f) : 0f,
            Path = "mlp",
        };
    }

    /// <summary>The feed-forward part of each block of a Qwen: experts, or in some blocks plain layers.</summary>
    public static Func<DecoderSettings, WeightScope, int, FeedForward> OfQwen(ModelConfig config, ExpertSettings experts)
    {
        HashSet<int> plain = [.. config.GetInts("mlp_only_layers") ?? []];
        int step = config.GetInt("decoder_sparse_step", 1);
        return (settings, w, layer) => !plain.Contains(layer) && step > 0 && (layer + 1) % step == 0
            ? new MixtureOfExperts(settings, experts, w, layer)
            : new GatedFeedForward(settings, w);
    }
}
