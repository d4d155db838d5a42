using Hieno.Formats;
using Hieno.Models.Decoders;
using Hieno.Models.Llama;

namespace Hieno.Models.SmolLM3;

/// <summary>SmolLM3: Llama in which every fourth layer knows no positions.</summary>
/// <remarks>Layers without positions: Yang et al. 2025, <see href="https://arxiv.org/abs/2501.18795"/>.</remarks>
public sealed class SmolLM3Family : LlamaFamily
{
    /// <inheritdoc/>
    public override string ModelType => "smollm3";

    /// <inheritdoc/>
    public override IReadOnlyList<string> ResidualOutputs => []; // one more block would change which layers know positions

    /// <inheritdoc/>
    protected override string ClassPrefix => "SmolLM3";

    /// <inheritdoc/>
    protected override DecoderSettings Settings(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        const string Key = "no_rope_layers";
        DecoderSettings settings = DecoderSettings.OfLlamaKeys(config, new RopeKeys { DefaultTheta = 2_000_000 }, tied: true);
        int interval = config.GetInt("no_rope_layer_interval", 4);
        IReadOnlyList<int> rotated = config.GetInts(Key) ?? [.. Enumerable.Range(1, settings.Layers).Select(layer => layer % interval == 0 ? 0 : 1)];
        if (rotated.Count != settings.Layers)
        {
            throw config.Error(Key, $"has {rotated.Count} entries, expected {settings.Layers}, one for each layer", "Use the configuration that came with the weights");
        }

        int window = config.GetBool("use_sliding_window", false) ? config.GetInt("sliding_window", 0) : 0;
        bool[] sliding = LayerKinds.AreSliding(config, layer => window > 0 && rotated[layer] != 0);
        RopeSettings? rope = settings.Rope(0);
        return settings with
        {
            Rope = layer => rotated[layer] != 0 ? rope : null,
            Window = layer => window > 0 && sliding[layer] ? window : null,
        };
    }
}
