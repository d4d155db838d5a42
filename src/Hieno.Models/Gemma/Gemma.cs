using Hieno.Formats;
using Hieno.Models.Decoders;
using Hieno.Models.Layers;
using Hieno.Models.Llama;

namespace Hieno.Models.Gemma;

/// <summary>Gemma: Llama with GELU in the gate, embeddings scaled by √width, and norms that store their gain less 1.</summary>
/// <remarks>Gemma Team 2024, <see href="https://arxiv.org/abs/2403.08295"/>, section 2.</remarks>
public sealed class GemmaFamily : LlamaFamily
{
    /// <inheritdoc/>
    public override string ModelType => "gemma";

    /// <inheritdoc/>
    protected override string ClassPrefix => "Gemma";

    /// <inheritdoc/>
    protected override DecoderSettings Settings(ModelConfig config) => GemmaSettings.Read(config);
}

/// <summary>What all Gemmas have in common.</summary>
internal static class GemmaSettings
{
    /// <summary>Reads the settings of the first Gemma, from which the others differ.</summary>
    public static DecoderSettings Read(ModelConfig config, RopeKeys? rope = null)
    {
        DecoderSettings settings = DecoderSettings.OfLlamaKeys(config, rope, tied: true, headWidth: 256);
        return settings with
        {
            Norm = w => new RmsNorm(w, settings.Width, Eps(config), storesGainLessOne: true),
            Activation = config.GetActivation("hidden_activation", "gelu_pytorch_tanh"), // "hidden_act" of the first files names another function than they were trained with
            EmbeddingScale = MathF.Sqrt(settings.Width),
        };
    }

    /// <summary>The settings of Gemma 2 and 3: norms around both parts, scores scaled by a number of its own.</summary>
    public static DecoderSettings Read2(ModelConfig config, Func<int, bool> isSliding, RopeKeys? rope = null)
    {
        ThrowIfBidirectional(config);
        DecoderSettings settings = Read(config, rope);
        double scalar = config.GetDouble("query_pre_attn_scalar", 256);
        int window = config.GetInt("sliding_window", 4096);
        bool[] sliding = LayerKinds.AreSliding(config, isSliding);
        return settings with
        {
            Names = settings.Names with
            {
                AfterAttentionNorm = "post_attention_layernorm",
                FeedForwardNorm = "pre_feedforward_layernorm",
                AfterFeedForwardNorm = "post_feedforward_layernorm",
            },
            AttentionScale = _ => (float)(1 / Math.Sqrt(scalar)),
            ScoreLimit = Limit(config, "attn_logit_softcapping", 50f),
            LogitLimit = Limit(config, "final_logit_softcapping", 30f),
            Window = layer => sliding[layer] ? window : null,
        };
    }

    /// <summary><c>rms_norm_eps</c>.</summary>
    public static float Eps(ModelConfig config) => config.GetFloat("rms_norm_eps", 1e-6f);

    // A null switches the limit off; an absent key means the family's.
    private static float Limit(ModelConfig config, string key, float fallback) =>
        config.Json.TryGetProperty(key, out _) ? config.GetFloat(key, 0f) : fallback;

    private static void ThrowIfBidirectional(ModelConfig config)
    {
        if (config.GetBool("use_bidirectional_attention", false))
        {
            throw config.Error("use_bidirectional_attention", "is true, but this family is read as a decoder", "Use a model whose tokens see those before them");
        }
    }
}
