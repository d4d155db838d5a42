using Hieno.Formats;
using Hieno.Models.Decoders;
using Hieno.Models.Gemma;
using Hieno.Models.Layers;
using Hieno.Models.Llama;

namespace Hieno.Models.Gemma3;

/// <summary>The text model of Gemma 3: Gemma 2 with norms of queries and keys in place of limits, and rotary positions of their own in layers with a window.</summary>
/// <remarks>Gemma Team 2025, <see href="https://arxiv.org/abs/2503.19786"/>, section 2.</remarks>
public sealed class Gemma3Family : LlamaFamily
{
    /// <inheritdoc/>
    public override string ModelType => "gemma3_text";

    /// <inheritdoc/>
    public override IReadOnlyList<string> ResidualOutputs => []; // one more block would change which layers see a window

    /// <inheritdoc/>
    public override ModelConfig? Narrow(ModelConfig config, int divisor) => null; // the scale of the scores would not fit narrower heads

    /// <inheritdoc/>
    protected override string ClassPrefix => "Gemma3";

    /// <inheritdoc/>
    protected override DecoderSettings Settings(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        int pattern = config.GetInt(KeyOf(config, "sliding_window_pattern", "_sliding_window_pattern"), 6);
        bool IsSliding(int layer) => (layer + 1) % pattern != 0;
        bool[] sliding = LayerKinds.AreSliding(config, IsSliding);
        DecoderSettings settings = GemmaSettings.Read2(config, IsSliding, new RopeKeys { DefaultTheta = 1_000_000, LayerKind = LayerKinds.Full });
        RopeSettings? full = settings.Rope(0);
        RopeSettings local = config.Has("rope_parameters")
            ? RopeSettings.Read(config, settings.HeadWidth, settings.Positions, new RopeKeys { LayerKind = LayerKinds.Sliding })
            : RopeSettings.Plain(config.GetDouble("rope_local_base_freq", 10_000), settings.HeadWidth, settings.Positions);
        return settings with
        {
            ScoreLimit = config.GetFloat("attn_logit_softcapping", 0f),
            LogitLimit = config.GetFloat("final_logit_softcapping", 0f),
            EmbeddingScale = 1f,
            TokenScale = settings.EmbeddingScale, // here it belongs to the token table, and not to virtual tokens
            HeadNorm = (w, _) => new HeadNorm(new RmsNorm(w, settings.HeadWidth, GemmaSettings.Eps(config), storesGainLessOne: true), settings.HeadWidth),
            Rope = layer => sliding[layer] ? local : full,
        };
    }
}
