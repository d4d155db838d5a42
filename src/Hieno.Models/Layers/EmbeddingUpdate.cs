using Hieno.Tensors;

namespace Hieno.Models.Layers;

/// <summary>A trainable change of the vectors that a table gives.</summary>
/// <param name="layer">The table.</param>
/// <param name="adapter">The name of the adapter it belongs to.</param>
public abstract class EmbeddingUpdate(Embedding layer, string adapter) : AdapterPart(adapter)
{
    /// <summary>The table.</summary>
    public Embedding Layer { get; } = layer;

    /// <inheritdoc/>
    public sealed override Module Place => Layer;

    /// <inheritdoc/>
    public override IReadOnlyList<Parameter> MergesInto => [Layer.Table];

    /// <summary>The tokens' vectors with the change.</summary>
    /// <param name="ids">The ids that were looked up, [N].</param>
    /// <param name="y">Their vectors, changed by the updates before this one, [N, width].</param>
    /// <returns>[N, width].</returns>
    public abstract Tensor Apply(int[] ids, Tensor y);

    /// <inheritdoc/>
    public override string? ObstacleToMerging(PretrainedModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return (model as TextModel)?.LanguageHead?.Projection == Layer.Table
            ? $"changes {Layer.Table.Name} as a table only, but the output layer shares this weight and would change with it"
            : base.ObstacleToMerging(model);
    }

    /// <inheritdoc/>
    public sealed override void Attach() => Layer.Attach(this);

    /// <inheritdoc/>
    public sealed override void Detach() => Layer.Detach(this);
}
