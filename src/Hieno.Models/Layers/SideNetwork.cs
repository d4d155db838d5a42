using Hieno.Tensors;

namespace Hieno.Models.Layers;

/// <summary>
/// A network beside the body, which reads what each of the body's blocks gives and whose output the head reads in place of the body's. The body is
/// run without recording: no gradient enters it, and nothing of it is kept but what the side network reads. It cannot be merged.
/// </summary>
/// <param name="body">The body.</param>
/// <param name="adapter">The name of the adapter it belongs to.</param>
public abstract class SideNetwork(Backbone body, string adapter) : AdapterPart(adapter)
{
    /// <summary>The body.</summary>
    public Backbone Body { get; } = body;

    /// <inheritdoc/>
    public sealed override Module Place => Body;

    /// <summary>Width of one token's keys in the side network's own cache.</summary>
    public abstract int KeyWidth { get; }

    /// <summary>Runs the side network.</summary>
    /// <param name="states">What the blocks read and give: the embeddings' output and that of each block, each [N, C].</param>
    /// <param name="batch">The rows, with a cache of the side network's own where they continue texts.</param>
    /// <returns>What the head reads, [N, C].</returns>
    public abstract Tensor Forward(IReadOnlyList<Tensor> states, TokenBatch batch);

    /// <inheritdoc/>
    public sealed override string? ObstacleToMerging(PretrainedModel model) => "is a network of its own beside the model's";

    /// <inheritdoc/>
    public sealed override void Attach() => Body.Attach(this);

    /// <inheritdoc/>
    public sealed override void Detach() => Body.Detach(this);
}
