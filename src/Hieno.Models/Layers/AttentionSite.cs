using Hieno.Tensors;

namespace Hieno.Models.Layers;

/// <summary>What all families do with queries, keys and values once they have them, and the place at which adapters can attend to more.</summary>
public sealed class AttentionSite : Module
{
    private readonly List<AttentionUpdate> _updates = [];
    private readonly int _layer;
    private readonly int _depth;

    /// <summary>The attention of one block.</summary>
    /// <param name="attention">Its place in the checkpoint.</param>
    /// <param name="layer">Number of the layer, to find its cache.</param>
    /// <param name="width">Width of what the projections read.</param>
    /// <param name="options">Heads, scale, dropout.</param>
    /// <param name="project">Keys and values of vectors, as the block computes them before positions are turned in.</param>
    public AttentionSite(WeightScope attention, int layer, int width, AttentionOptions options, Func<Tensor, (Tensor Keys, Tensor Values)> project)
        : base((attention ?? throw new ArgumentNullException(nameof(attention))).Path) =>
        (_layer, _depth, Width, Options, Project) = (layer, attention.Depth, width, options, project);

    /// <summary>Width of what the projections read.</summary>
    public int Width { get; }

    /// <summary>Heads, scale, dropout.</summary>
    public AttentionOptions Options { get; }

    /// <summary>Keys and values of vectors [n, <see cref="Width"/>], as the block computes them before positions are turned in.</summary>
    public Func<Tensor, (Tensor Keys, Tensor Values)> Project { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<AdapterPart> Parts => _updates;

    /// <summary>Attends within each row, over cached tokens and a prefix as well where the batch has them.</summary>
    /// <param name="batch">The rows.</param>
    /// <param name="q">Queries, [N, heads · head width].</param>
    /// <param name="k">Keys, [N, key-value heads · head width].</param>
    /// <param name="v">Values, shape of <paramref name="k"/>.</param>
    /// <param name="spans">What each token sees.</param>
    /// <param name="bias">From all keys to what is added to the scores, see <see cref="Ops.Attention"/>; null (default) for nothing.</param>
    /// <param name="layer">The number of the block that is run, where one serves several; that given to the constructor when null.</param>
    public Tensor Run(TokenBatch batch, Tensor q, Tensor k, Tensor v, AttentionSpans spans, Func<Tensor, Tensor?>? bias = null, int? layer = null)
    {
        ArgumentNullException.ThrowIfNull(batch);
        (k, v) = batch.WithPrefix(layer ?? _layer, k, v);
        if (batch.Cache is { } cache)
        {
            (k, v) = cache.Append(_layer, batch, k, v);
        }

        return Updated(q, Ops.Attention(q, k, v, spans, Options, bias?.Invoke(k)));
    }

    /// <summary>Attends within windows, with a number added to each score.</summary>
    /// <param name="q">Queries, [N, heads · head width].</param>
    /// <param name="k">Keys, shape of <paramref name="q"/>.</param>
    /// <param name="v">Values, shape of <paramref name="q"/>.</param>
    /// <param name="bias">What is added to the scores, [heads, L, L].</param>
    /// <param name="windows">The windows, of L rows.</param>
    public Tensor RunWindows(Tensor q, Tensor k, Tensor v, Tensor bias, WindowSpans windows) => Updated(q, Ops.WindowAttention(q, k, v, bias, windows, Options));

    /// <summary>A weight of an update at this place, under its name and depth.</summary>
    /// <param name="name">Its last part.</param>
    /// <param name="value">Its first value, long-lived.</param>
    public Parameter CreateUpdateWeight(string name, Tensor value) => new($"{Path}.{name}", value, ParameterKind.Attention, _depth);

    internal void Attach(AttentionUpdate update) => _updates.Add(update);

    internal void Detach(AttentionUpdate update) => _updates.Remove(update);

    private Tensor Updated(Tensor q, Tensor y)
    {
        if (_updates.Count > 0 && AdapterRouting.Current is { } routing)
        {
            return routing.Change(y, group => _updates.FindAll(update => update.Adapter == group.Name) is { Count: > 0 } updates
                ? updates.Aggregate(group.Of(y), (vectors, update) => update.Apply(group.Of(q), vectors))
                : null);
        }

        foreach (AttentionUpdate update in _updates)
        {
            y = update.Enabled ? update.Apply(q, y) : y;
        }

        return y;
    }
}

/// <summary>A trainable change of what attention gives, before its output projection. It cannot be merged.</summary>
/// <param name="site">Its place.</param>
/// <param name="adapter">The name of the adapter it belongs to.</param>
public abstract class AttentionUpdate(AttentionSite site, string adapter) : AdapterPart(adapter)
{
    /// <summary>Its place.</summary>
    public AttentionSite Site { get; } = site;

    /// <inheritdoc/>
    public sealed override Module Place => Site;

    /// <summary>What attention gives with the change.</summary>
    /// <param name="q">The queries as attention read them, [N, heads · head width].</param>
    /// <param name="y">What attention gave, changed by the updates before this one, shape of <paramref name="q"/>.</param>
    /// <returns>Shape of <paramref name="y"/>.</returns>
    public abstract Tensor Apply(Tensor q, Tensor y);

    /// <inheritdoc/>
    public sealed override void Attach() => Site.Attach(this);

    /// <inheritdoc/>
    public sealed override void Detach() => Site.Detach(this);
}
