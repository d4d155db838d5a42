using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Hieno.Models;
using Hieno.Tuning;

namespace Hieno.Benchmarks.Workloads;

/// <summary>What learns in a step.</summary>
internal enum StepTuning
{
    /// <summary>Every weight.</summary>
    Full,

    /// <summary>A low-rank update of some of the attention's projections; the base is frozen.</summary>
    Lora,
}

/// <summary>A training step: the numbers that our side and the peer's script must share. One record a model family.</summary>
/// <remarks>Every property that can be set is an argument of the script's <c>build</c>.</remarks>
internal abstract record StepWorkload
{
    /// <summary>Precision of the matrix products: 32 bits, bit for bit as IEEE 754 has it.</summary>
    public const string Single = "fp32";

    /// <summary>Matrix products of bfloat16 numbers, summed in 32 bits; the peer runs under autocast.</summary>
    public const string Brain = "bf16";

    /// <summary>Number of blocks L.</summary>
    public int Layers { get; init; } = 12;

    /// <summary>Channels C of the residual stream.</summary>
    public int Width { get; init; } = 768;

    /// <summary>Attention heads.</summary>
    public int Heads { get; init; } = 12;

    /// <summary>Rows V of the embedding.</summary>
    public int Vocabulary { get; init; }

    /// <summary>Positions the model can tell apart.</summary>
    public int Positions { get; init; }

    /// <summary>Sequences B in a batch.</summary>
    public int Batch { get; init; }

    /// <summary>Tokens T in a sequence.</summary>
    public int Tokens { get; init; }

    /// <summary>What learns.</summary>
    public StepTuning Tuning { get; init; } = StepTuning.Full;

    /// <summary>Rank r of the low-rank update.</summary>
    public int Rank { get; init; } = 8;

    /// <summary>The update is scaled by alpha ÷ r.</summary>
    public double Alpha { get; init; } = 16;

    /// <summary><see cref="Single"/> or <see cref="Brain"/>.</summary>
    public string Precision { get; init; } = Single;

    /// <summary>AdamW's step size.</summary>
    public double LearningRate { get; init; } = 1e-4;

    /// <summary>AdamW's decoupled decay.</summary>
    public double WeightDecay { get; init; } = 0.01;

    /// <summary>Seed of the weights and of the batch.</summary>
    public int Seed { get; init; } = 7;

    /// <summary>The peer's script in <c>bench/peers</c>.</summary>
    public abstract string Script { get; }

    /// <summary>What the model puts on its last hidden state.</summary>
    public abstract HeadChoice Head { get; }

    private static JsonSerializerOptions PythonNames { get; } = new()
    {
        IgnoreReadOnlyProperties = true,
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
    };

    /// <summary>The low-rank update, where <see cref="Tuning"/> asks for one.</summary>
    public abstract LoRAOptions Lora();

    /// <summary>The model's config.json.</summary>
    public abstract JsonObject Config();

    /// <summary>Floating-point operations of the step's matrix products, a multiply-add counted as two.</summary>
    /// <remarks>
    /// Only work that no implementation can leave out is counted: of causal attention the lower half, under LoRA no
    /// gradient of a frozen weight and none below the lowest trainable layer. A side that computes more is not credited for it.
    /// </remarks>
    public abstract double MatrixFlops();

    /// <summary>The same step in PyTorch.</summary>
    public PeerTask ToPeer() => new(Script, (JsonObject)JsonSerializer.SerializeToNode(this, GetType(), PythonNames)!);

    /// <summary>One pass over the blocks' matrices of <paramref name="entries"/> numbers a block: 2 operations a number and token.</summary>
    protected double Pass(double entries) => 2.0 * Batch * Tokens * entries;

    /// <summary>Q·Kᵀ and P·V of all blocks, forward and, with twice as many products, backward.</summary>
    protected double Attention(bool causal)
    {
        double pairs = causal ? Tokens * (Tokens + 1.0) / 2 : (double)Tokens * Tokens;
        return Layers * 3 * 2 * (2.0 * Batch * pairs * Width);
    }

    /// <summary>The updates' products: x·Aᵀ and ·Bᵀ forward, as many again for dx and for dA and dB.</summary>
    /// <param name="widths">Output channels of each updated layer of a block; all read C channels.</param>
    protected double Updates(params ReadOnlySpan<int> widths)
    {
        double entries = 0;
        foreach (int width in widths)
        {
            entries += Rank * (Width + (double)width);
        }

        // The first block's input needs no gradient, so neither does what goes through its A.
        return (3 * Layers * Pass(entries)) - Pass((double)widths.Length * Rank * Width);
    }
}
