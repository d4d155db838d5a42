using System.Text.Json.Nodes;
using Hieno.Models;
using Hieno.Tuning;

namespace Hieno.Benchmarks.Workloads;

/// <summary>Next-token prediction by GPT-2 124M on 4 × 256 tokens; LoRA updates each block's c_attn.</summary>
internal sealed record Gpt2Workload : StepWorkload
{
    /// <summary>Makes the workload.</summary>
    public Gpt2Workload() => (Vocabulary, Positions, Batch, Tokens) = (50257, 1024, 4, 256);

    /// <inheritdoc/>
    public override string Script => "gpt2_step.py";

    /// <inheritdoc/>
    public override HeadChoice Head => HeadChoice.Language;

    /// <inheritdoc/>
    public override LoRAOptions Lora() => new() { Rank = Rank, Alpha = Alpha, Targets = ["c_attn"] };

    /// <inheritdoc/>
    public override JsonObject Config() => new()
    {
        ["model_type"] = "gpt2",
        ["n_layer"] = Layers,
        ["n_embd"] = Width,
        ["n_head"] = Heads,
        ["n_positions"] = Positions,
        ["vocab_size"] = Vocabulary,
        ["activation_function"] = "gelu_new",
        ["embd_pdrop"] = 0.0,
        ["attn_pdrop"] = 0.0,
        ["resid_pdrop"] = 0.0,
    };

    /// <inheritdoc/>
    public override double MatrixFlops()
    {
        // Forward, gradient of the input and gradient of the weight are one pass each; a block holds
        // 3C² + C² + 4C² + 4C² = 12C² numbers, the head V·C.
        double square = (double)Width * Width;
        double pass = Pass((Layers * 12 * square) + ((double)Vocabulary * Width));
        return Tuning == StepTuning.Full
            ? (3 * pass) + Attention(causal: true)
            : (2 * pass) - Pass(3 * square) + Attention(causal: true) + Updates(3 * Width);
    }
}
