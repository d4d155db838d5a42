using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace Hieno.Benchmarks.Workloads;

/// <summary>What learns in the step.</summary>
internal enum Gpt2Tuning
{
    /// <summary>Every weight.</summary>
    Full,

    /// <summary>A low-rank update of each block's c_attn; the base is frozen.</summary>
    Lora,
}

/// <summary>A training step of a GPT-2-shaped model: the numbers that our side and the peer's script must share.</summary>
/// <remarks>The defaults are GPT-2 124M on 4 × 256 tokens, in float32.</remarks>
internal sealed record Gpt2Workload
{
    /// <summary>Number of blocks L.</summary>
    public int Layers { get; init; } = 12;

    /// <summary>Channels C of the residual stream.</summary>
    public int Width { get; init; } = 768;

    /// <summary>Attention heads.</summary>
    public int Heads { get; init; } = 12;

    /// <summary>Rows V of the embedding, which is also the head.</summary>
    public int Vocabulary { get; init; } = 50257;

    /// <summary>Learned positions.</summary>
    public int Positions { get; init; } = 1024;

    /// <summary>Sequences B in a batch.</summary>
    public int Batch { get; init; } = 4;

    /// <summary>Tokens T in a sequence.</summary>
    public int Tokens { get; init; } = 256;

    /// <summary>What learns.</summary>
    public Gpt2Tuning Tuning { get; init; } = Gpt2Tuning.Full;

    /// <summary>Rank r of the low-rank update.</summary>
    public int Rank { get; init; } = 8;

    /// <summary>The update is scaled by alpha ÷ r.</summary>
    public double Alpha { get; init; } = 16;

    /// <summary>"fp32", or "bf16" for the peer's autocast.</summary>
    public string Precision { get; init; } = "fp32";

    /// <summary>AdamW's step size.</summary>
    public double LearningRate { get; init; } = 1e-4;

    /// <summary>AdamW's decoupled decay.</summary>
    public double WeightDecay { get; init; } = 0.01;

    /// <summary>Seed of the weights and of the batch.</summary>
    public int Seed { get; init; } = 7;

    private static JsonSerializerOptions PythonNames { get; } = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
    };

    /// <summary>The same step in PyTorch.</summary>
    public PeerTask ToPeer() => new("gpt2_step.py", (JsonObject)JsonSerializer.SerializeToNode(this, PythonNames)!);

    /// <summary>Floating-point operations of the step's matrix products, a multiply-add counted as two.</summary>
    /// <remarks>
    /// Only work that no implementation can leave out is counted: of the attention scores the causal half,
    /// under LoRA no gradient of a frozen weight and none below the lowest trainable layer. A side that
    /// computes more is not credited for it.
    /// </remarks>
    public double MatrixFlops()
    {
        double tokens = (double)Batch * Tokens;
        double width = Width;

        // One pass over a weight matrix of n entries costs 2·n per token. Forward, gradient of the input and
        // gradient of the weight are one pass each; a block holds 3C² + C² + 4C² + 4C² = 12C², the head V·C.
        double pass = 2 * tokens * ((Layers * 12 * width * width) + (Vocabulary * width));

        // Q·Kᵀ and P·V over the causal pairs, T(T+1)/2 of each sequence, and twice as much backward.
        double attention = Layers * 3 * 2 * (2.0 * Batch * (Tokens * (Tokens + 1.0) / 2) * width);

        if (Tuning == Gpt2Tuning.Full)
        {
            return (3 * pass) + attention;
        }

        // The first block's c_attn is the lowest thing that learns: its input needs no gradient, neither
        // through the frozen weight (3C² entries) nor through A (r·C entries).
        double frozen = (2 * pass) - (2 * tokens * 3 * width * width);
        double update = 2 * tokens * ((Layers * 3 * Rank * (width + (3 * width))) - (Rank * width));
        return frozen + attention + update;
    }
}
