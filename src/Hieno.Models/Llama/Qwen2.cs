using Hieno.Formats;

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
    protected override LlamaConfig Settings(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        int window = config.GetBool("use_sliding_window", false) ? config.GetInt("sliding_window", 4096) : 0;
        int firstWindowed = config.GetInt("max_window_layers", 28);
        return new LlamaConfig(config)
        {
            QueryKeyValueBias = true,
            OutputBias = false,
            Window = layer => window > 0 && layer >= firstWindowed ? window : null,
        };
    }
}
