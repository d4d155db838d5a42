using Hieno.Tensors;

namespace Hieno.Models.Layers;

/// <summary>Where in a block a <see cref="BlockSite"/> lies.</summary>
public enum BlockPlace
{
    /// <summary>What attention gives, before it is added to the residual stream.</summary>
    Attention,

    /// <summary>What the feed-forward layers give, before it is added to the residual stream.</summary>
    FeedForward,

    /// <summary>What the block gives: the residual stream.</summary>
    Output,
}

/// <summary>What else of a block an update may read.</summary>
/// <param name="Input">What the part before the site read: in pre-norm blocks the normalised stream; at the block's output the block's input. [N, C].</param>
/// <param name="Residual">The residual stream before the part, [N, C].</param>
/// <param name="Batch">The rows.</param>
public readonly record struct BlockPass(Tensor Input, Tensor Residual, TokenBatch Batch);

/// <summary>A place between the parts of a block at which adapters can change hidden vectors. Empty, it does nothing at all.</summary>
public sealed class BlockSite : Module
{
    private readonly List<BlockUpdate> _updates = [];
    private readonly ParameterKind _kind;
    private readonly int _depth;

    /// <summary>A site of the block at <paramref name="block"/>.</summary>
    /// <param name="block">The block's place in the checkpoint.</param>
    /// <param name="place">Where in the block.</param>
    /// <param name="width">Width of the vectors.</param>
    /// <param name="normAfter">In post-norm blocks the norm that the sum with the residual stream passes; else null.</param>
    public BlockSite(WeightScope block, BlockPlace place, int width, Func<Tensor, Tensor>? normAfter = null)
        : base(PathOf(block, place))
    {
        (Where, Width, NormAfter, _depth) = (place, width, normAfter, block.Depth);
        _kind = place switch { BlockPlace.Attention => ParameterKind.Attention, BlockPlace.FeedForward => ParameterKind.FeedForward, _ => ParameterKind.Other };
    }

    /// <summary>Where in the block it lies.</summary>
    public BlockPlace Where { get; }

    /// <summary>Width of the vectors.</summary>
    public int Width { get; }

    /// <summary>The number of its block, from 0.</summary>
    public int Block => _depth - 1;

    /// <summary>In post-norm blocks the norm that the sum of this output and the residual stream passes; null in pre-norm blocks and at the block's output.</summary>
    public Func<Tensor, Tensor>? NormAfter { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<AdapterPart> Parts => _updates;

    /// <summary>The vectors with the changes of all updates that are switched on, in the order in which they were attached.</summary>
    /// <param name="y">The vectors at this place, [N, C].</param>
    /// <param name="input">See <see cref="BlockPass"/>.</param>
    /// <param name="residual">See <see cref="BlockPass"/>.</param>
    /// <param name="batch">The rows.</param>
    public Tensor Apply(Tensor y, Tensor input, Tensor residual, TokenBatch batch)
    {
        if (_updates.Count > 0 && AdapterRouting.Current is { } routing)
        {
            return routing.Change(y, group =>
            {
                var pass = new BlockPass(group.Of(input), group.Of(residual), group.Of(batch));
                return _updates.FindAll(update => update.Adapter == group.Name) is { Count: > 0 } updates
                    ? updates.Aggregate(group.Of(y), (vectors, update) => update.Apply(vectors, pass))
                    : null;
            });
        }

        foreach (BlockUpdate update in _updates)
        {
            if (update.Enabled)
            {
                y = update.Apply(y, new BlockPass(input, residual, batch));
            }
        }

        return y;
    }

    /// <summary>A weight of an update at this place, under its name and depth.</summary>
    /// <param name="name">Its last part, e.g. <c>down.weight</c>.</param>
    /// <param name="value">Its first value, long-lived.</param>
    public Parameter CreateUpdateWeight(string name, Tensor value) => new($"{Path}.{name}", value, _kind, _depth);

    internal void Attach(BlockUpdate update) => _updates.Add(update);

    internal void Detach(BlockUpdate update) => _updates.Remove(update);

    // These modules hold no weight of the checkpoint; the names are ours and appear in adapters only.
    private static string PathOf(WeightScope block, BlockPlace place)
    {
        ArgumentNullException.ThrowIfNull(block);
        return block.Path + place switch { BlockPlace.Attention => ".attention_adapter", BlockPlace.FeedForward => ".mlp_adapter", _ => ".output_adapter" };
    }
}

/// <summary>A trainable change of hidden vectors between the parts of a block. It cannot be merged.</summary>
/// <param name="site">Its place.</param>
/// <param name="adapter">The name of the adapter it belongs to.</param>
public abstract class BlockUpdate(BlockSite site, string adapter) : AdapterPart(adapter)
{
    /// <summary>Its place.</summary>
    public BlockSite Site { get; } = site;

    /// <inheritdoc/>
    public sealed override Module Place => Site;

    /// <summary>The vectors with the change.</summary>
    /// <param name="y">The vectors at this place, changed by the updates before this one, [N, C].</param>
    /// <param name="pass">What else the update may read.</param>
    /// <returns>[N, C].</returns>
    public abstract Tensor Apply(Tensor y, BlockPass pass);

    /// <inheritdoc/>
    public sealed override void Attach() => Site.Attach(this);

    /// <inheritdoc/>
    public sealed override void Detach() => Site.Detach(this);
}
