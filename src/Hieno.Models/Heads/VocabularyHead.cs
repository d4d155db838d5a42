using Hieno.Tensors;

namespace Hieno.Models.Heads;

/// <summary>The output layer of a language model: one logit for each token of the vocabulary.</summary>
/// <param name="path">Its checkpoint path, e.g. <c>lm_head</c>.</param>
public abstract class VocabularyHead(string path) : Module(path)
{
    /// <summary>The projection, [V, C]; the token table itself where the two are tied.</summary>
    public abstract Parameter Projection { get; }

    /// <summary>Its offset, [V], or null.</summary>
    public virtual Parameter? Offset => null;

    /// <summary>What happens to a hidden vector before the projection; nothing in most models.</summary>
    /// <param name="hidden">[N, C].</param>
    public virtual Tensor Prepare(Tensor hidden) => hidden;

    /// <summary>Logits of all rows of <paramref name="hidden"/>, [N, V]. Training uses <see cref="Ops.LinearCrossEntropy"/>, which never holds them all.</summary>
    public Tensor Logits(Tensor hidden) => Ops.Linear(Prepare(hidden), Projection, Offset?.Value);
}

/// <summary>A bias-free projection, tied to the token table or with a weight of its own called <c>lm_head.weight</c>.</summary>
public sealed class CausalHead : VocabularyHead
{
    /// <summary>Takes <c>weight</c> from <paramref name="w"/> unless <paramref name="tied"/>.</summary>
    /// <param name="w">The root of the checkpoint at <c>lm_head</c>.</param>
    /// <param name="backbone">The body it reads from.</param>
    /// <param name="tied">True when the token table is also the projection.</param>
    /// <param name="initializer">First values of a projection of its own.</param>
    public CausalHead(WeightScope w, Backbone backbone, bool tied, Initializer initializer)
        : base(w.Path)
    {
        ArgumentNullException.ThrowIfNull(backbone);
        Projection = tied
            ? backbone.TokenTable
            : Add(w.As(ParameterKind.Head).AtDepth(backbone.Blocks.Count + 1).Weight("weight", [backbone.VocabularySize, backbone.Width], initializer));
    }

    /// <inheritdoc/>
    public override Parameter Projection { get; }
}
