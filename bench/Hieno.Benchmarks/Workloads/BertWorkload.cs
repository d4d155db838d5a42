using System.Text.Json.Nodes;
using Hieno.Models;
using Hieno.Tuning;

namespace Hieno.Benchmarks.Workloads;

/// <summary>Classification by BERT-base on 16 × 128 tokens without padding; LoRA updates query and value, and trains the classifier.</summary>
internal sealed record BertWorkload : StepWorkload
{
    /// <summary>Makes the workload.</summary>
    public BertWorkload() => (Vocabulary, Positions, Batch, Tokens) = (30522, 512, 16, 128);

    /// <summary>Channels H of the feed-forward layer.</summary>
    public int Hidden { get; init; } = 3072;

    /// <summary>Classes to choose from.</summary>
    public int Labels { get; init; } = 2;

    /// <inheritdoc/>
    public override string Script => "bert_step.py";

    /// <inheritdoc/>
    public override HeadChoice Head => HeadChoice.Classification(Labels);

    /// <inheritdoc/>
    public override LoRAOptions Lora() => new() { Rank = Rank, Alpha = Alpha, Targets = ["query", "value"], ModulesToSave = ["classifier"] };

    /// <inheritdoc/>
    public override JsonObject Config() => new()
    {
        ["model_type"] = "bert",
        ["num_hidden_layers"] = Layers,
        ["hidden_size"] = Width,
        ["num_attention_heads"] = Heads,
        ["intermediate_size"] = Hidden,
        ["vocab_size"] = Vocabulary,
        ["max_position_embeddings"] = Positions,
        ["type_vocab_size"] = 2,
        ["hidden_act"] = "gelu",
        ["hidden_dropout_prob"] = 0.0,
        ["attention_probs_dropout_prob"] = 0.0,
    };

    /// <inheritdoc/>
    /// <remarks>The last block is counted whole, although the classifier reads one token of it: both sides compute it whole.</remarks>
    public override double MatrixFlops()
    {
        double square = (double)Width * Width;
        double pass = Pass(Layers * ((4 * square) + (2.0 * Width * Hidden)));
        double pooler = 2 * Batch * square; // one row a sequence; the classifier's few numbers are left out
        if (Tuning == StepTuning.Full)
        {
            return (3 * (pass + pooler)) + Attention(causal: false);
        }

        // The first block's keys come from frozen layers alone: nothing needs their gradient, which is one product of Q·Kᵀ's size.
        double firstKeys = 2.0 * Batch * Tokens * Tokens * Width;
        return (2 * (pass + pooler)) - Pass(3 * square) + Attention(causal: false) - firstKeys + Updates(Width, Width);
    }
}
