using Hieno.Formats;
using Hieno.Models.Cohere;
using Hieno.Models.Decoders;
using Hieno.Models.Llama;

namespace Hieno.Models.Cohere2;

/// <summary>Cohere 2 (Command R7B, A): Cohere with a window in three of four layers; the others see all tokens and know no positions.</summary>
/// <remarks>Cohere 2025, <see href="https://arxiv.org/abs/2504.00698"/>, section 2.1.</remarks>
public sealed class Cohere2Family : LlamaFamily
{
    /// <inheritdoc/>
    public override string ModelType => "cohere2";

    /// <inheritdoc/>
    public override IReadOnlyList<string> ResidualOutputs => []; // one more block would change which layers see a window

    /// <inheritdoc/>
    protected override string ClassPrefix => "Cohere2";

    /// <inheritdoc/>
    protected override DecoderSettings Settings(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        DecoderSettings settings = CohereFamily.Read(config);
        int pattern = config.GetInt(KeyOf(config, "sliding_window_pattern", "_sliding_window_pattern"), 4);
        int window = config.GetInt("sliding_window", 4096);
        bool[] sliding = LayerKinds.AreSliding(config, layer => (layer + 1) % pattern != 0);
        RopeSettings? rope = settings.Rope(0);
        return settings with
        {
            Rope = layer => sliding[layer] ? rope : null,
            Window = layer => sliding[layer] ? window : null,
        };
    }
}
