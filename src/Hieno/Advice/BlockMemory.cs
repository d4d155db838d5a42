using Hieno.Models;
using Hieno.Models.Layers;

namespace Hieno.Advice;

/// <summary>How many numbers a transformer block holds for each token, counted from the layers it has.</summary>
/// <remarks>
/// <para>For the backward pass a block keeps the queries, keys and values, what attention gives, the inputs of its two norms, and what the
/// feed-forward layers give before the activation; outputs of norms and activations are computed again and not kept. With width C, inner width H
/// and k key-value columns that is 6·C + H for BERT and GPT-2, 4·C + 2·k + 2·H for Llama. The rest lives only while the block runs.</para>
/// <para>Korthikanti et al. 2022 (<see href="https://arxiv.org/abs/2205.05198"/>), section 4, count the same for PyTorch's operations; the count for Hieno's is its own.</para>
/// </remarks>
internal sealed record BlockMemory
{
    private BlockMemory(int width, int keys, int tables, Linear[] attention, Linear[] feedForward)
    {
        (int given, int attended) = (attention.Sum(layer => layer.Out), attention[^1].In);
        (int fed, int inner) = (feedForward.Sum(layer => layer.Out), feedForward[^1].In);
        int queries = given - width - (2 * keys); // one fused layer or several: what they give, less the output projection, keys and values
        int turned = tables > 1 ? 0 : queries + keys; // without a table of positions, queries and keys are turned, which makes copies
        Width = width;
        KeysAndValues = 2 * keys;
        Kept = (2 * width) + queries + KeysAndValues + attended + (fed - width);
        Running = given + attended + fed + inner + turned + (7 * width); // input, two sums, two norms, two dropouts
        Backward = (2 * inner) + (4 * width);
        EmbeddingSums = tables > 1 ? ((2 * tables) - 1) * width : 0;
    }

    /// <summary>Width C of the stream.</summary>
    public int Width { get; }

    /// <summary>Numbers a token that are kept for the backward pass.</summary>
    public long Kept { get; }

    /// <summary>Numbers a token of keys and values, which the last block keeps also of tokens whose output nobody reads.</summary>
    public long KeysAndValues { get; }

    /// <summary>Numbers a token that the sums of several tables leave until the backward pass begins.</summary>
    public long EmbeddingSums { get; }

    /// <summary>Numbers a token that live at most while the block runs forward, its input included.</summary>
    public long Running { get; }

    /// <summary>Numbers a token of gradients and of what is computed again that live at most while the block runs backward.</summary>
    public long Backward { get; }

    /// <summary>Counts a model's first block; all are taken to be alike.</summary>
    /// <returns>Null where the model has no block of attention and feed-forward layers.</returns>
    public static BlockMemory? Of(Backbone backbone)
    {
        Linear[] layers = backbone.Blocks.Count == 0 ? [] : [.. backbone.Blocks[0].Modules().OfType<Linear>()];
        Linear[] attention = [.. layers.Where(layer => layer.Weight.Kind == ParameterKind.Attention)];
        Linear[] feedForward = [.. layers.Where(layer => layer.Weight.Kind == ParameterKind.FeedForward)];
        int tables = backbone.Modules().OfType<Embedding>().Count();
        return attention.Length == 0 || feedForward.Length == 0 ? null : new BlockMemory(backbone.Width, backbone.KeyWidth, tables, attention, feedForward);
    }
}
