using Hieno.Formats;
using Hieno.Models.Decoders;

namespace Hieno.Models.Llama;

/// <summary>Llama: rotary positions, grouped-query attention, RMS norms before each part, SwiGLU. Its kin derive from it.</summary>
/// <remarks>Touvron et al. 2023, <see href="https://arxiv.org/abs/2302.13971"/>, section 2.2.</remarks>
public class LlamaFamily : DecoderFamily
{
    /// <inheritdoc/>
    public override string ModelType => "llama";

    /// <inheritdoc/>
    public override IReadOnlyList<string> ResidualOutputs => ["self_attn.o_proj", "mlp.down_proj"];

    /// <inheritdoc/>
    public override ModelConfig? Narrow(ModelConfig config, int divisor)
    {
        DecoderSettings wide = Settings(config);
        int width = wide.Width / divisor;
        int heads = NarrowHeads(width, wide.HeadWidth);
        return With(config, ("hidden_size", width), ("intermediate_size", Math.Max(1, wide.Hidden / divisor)), ("num_attention_heads", heads),
            ("num_key_value_heads", heads % wide.KvHeads == 0 ? wide.KvHeads : heads), ("head_dim", width / heads), ("vocab_size", 1),
            ("rope_scaling", null), ("rope_parameters", null));
    }

    /// <inheritdoc/>
    protected override string ClassPrefix => "Llama";

    /// <inheritdoc/>
    protected override DecoderSettings Settings(ModelConfig config) => DecoderSettings.OfLlamaKeys(config);
}

/// <summary>Mistral: Llama with a sliding window in every layer.</summary>
/// <remarks>Jiang et al. 2023, <see href="https://arxiv.org/abs/2310.06825"/>, section 2.</remarks>
public sealed class MistralFamily : LlamaFamily
{
    /// <inheritdoc/>
    public override string ModelType => "mistral";

    /// <inheritdoc/>
    protected override string ClassPrefix => "Mistral";

    /// <inheritdoc/>
    protected override DecoderSettings Settings(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);

        // An absent key means the first Mistral's window; a null switches it off, as in all later ones.
        int window = config.Json.TryGetProperty("sliding_window", out _) ? config.GetInt("sliding_window", 0) : 4096;
        return DecoderSettings.OfLlamaKeys(config) with { Window = _ => window > 0 ? window : null };
    }
}
