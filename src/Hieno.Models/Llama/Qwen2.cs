using Hieno.Formats;
using Hieno.Models.Decoders;

namespace Hieno.Models.Llama;

/// <summary>Qwen2: Llama with offsets on query, key and value, and a sliding window in the upper layers where the configuration asks for it.</summary>
/// <remarks>Yang et al. 2024, <see href="https://arxiv.org/abs/2407.10671"/>, section 2.</remarks>
public sealed class Qwen2Family : LlamaFamily
{
    /// <inheritdoc/>
    public override string ModelType => "qwen2";

    /// <inheritdoc/>
    protected override string ClassPrefix => "Qwen2";

    /// <inheritdoc/>
    protected override DecoderSettings Settings(ModelConfig config) => DecoderSettings.OfLlamaKeys(config) with
    {
        QueryKeyValueBias = true,
        OutputBias = false,
        Window = UpperWindow(config),
    };

    /// <summary>The window of each layer under <c>use_sliding_window</c>: from layer <c>max_window_layers</c> on, unless <c>layer_types</c> says otherwise.</summary>
    internal static Func<int, int?> UpperWindow(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        int window = config.GetBool("use_sliding_window", false) ? config.GetInt("sliding_window", 4096) : 0;
        int first = config.GetInt("max_window_layers", 28);
        bool[] sliding = LayerKinds.AreSliding(config, layer => layer >= first);
        return layer => window > 0 && sliding[layer] ? window : null;
    }
}
