using System.Text.Json.Nodes;
using Hieno.Models;
using Hieno.Tuning;

namespace Hieno.Benchmarks.Workloads;

/// <summary>Next-token prediction by a Llama of 134 million weights, head and embedding apart; LoRA updates q_proj and v_proj.</summary>
internal sealed record LlamaWorkload : StepWorkload
{
    /// <summary>Makes the workload.</summary>
    public LlamaWorkload() => (Vocabulary, Positions, Batch, Tokens) = (32000, 2048, 1, 256);

    /// <summary>Channels H of the gated feed-forward layer.</summary>
    public int Hidden { get; init; } = 2048;

    /// <inheritdoc/>
    public override string Script => "llama_step.py";

    /// <inheritdoc/>
    public override HeadChoice Head => HeadChoice.Language;

    /// <inheritdoc/>
    public override LoRAOptions Lora() => new() { Rank = Rank, Alpha = Alpha, Targets = ["q_proj", "v_proj"] };

    /// <inheritdoc/>
    public override JsonObject Config() => new()
    {
        ["model_type"] = "llama",
        ["num_hidden_layers"] = Layers,
        ["hidden_size"] = Width,
        ["num_attention_heads"] = Heads,
        ["intermediate_size"] = Hidden,
        ["vocab_size"] = Vocabulary,
        ["max_position_embeddings"] = Positions,
        ["hidden_act"] = "silu",
        ["rms_norm_eps"] = 1e-6,
        ["tie_word_embeddings"] = false,
    };

    /// <inheritdoc/>
    public override double MatrixFlops()
    {
        double square = (double)Width * Width;
        double pass = Pass((Layers * ((4 * square) + (3.0 * Width * Hidden))) + ((double)Vocabulary * Width));
        if (Tuning == StepTuning.Full)
        {
            return (3 * pass) + Attention(causal: true);
        }

        // As in BERT, nothing needs the gradient of the first block's keys: one product over the causal pairs.
        double firstKeys = 2.0 * Batch * (Tokens * (Tokens + 1.0) / 2) * Width;
        return (2 * pass) - Pass(3 * square) + Attention(causal: true) - firstKeys + Updates(Width, Width);
    }
}
