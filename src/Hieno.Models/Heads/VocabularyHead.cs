using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Models.Heads;

/// <summary>The output layer of a language model: one logit for each token of the vocabulary.</summary>
/// <param name="path">Its checkpoint path, e.g. <c>lm_head</c>.</param>
public abstract class VocabularyHead(string path) : Module(path)
{
    private readonly List<OutputRows> _rows = [];

    /// <summary>The projection, [V, C]; the token table itself where the two are tied.</summary>
    public abstract Parameter Projection { get; }

    /// <summary>Its offset, [V], or null.</summary>
    public virtual Parameter? Offset => null;

    /// <summary>Limit c of the logits, which become c·tanh(logit / c); 0 for none.</summary>
    public virtual float Limit => 0f;

    /// <summary>What happens to a hidden vector before the projection; nothing in most models.</summary>
    /// <param name="hidden">[N, C].</param>
    public virtual Tensor Prepare(Tensor hidden) => hidden;

    /// <inheritdoc/>
    public override IReadOnlyList<AdapterPart> Parts => _rows;

    /// <summary>Logits of all rows of <paramref name="hidden"/>, [N, V]. Training uses <see cref="Loss"/>, which never holds them all.</summary>
    public Tensor Logits(Tensor hidden)
    {
        Tensor prepared = Prepare(hidden);
        Tensor logits = Ops.Linear(prepared, Projection, Offset?.Value);
        foreach (OutputRows rows in _rows)
        {
            logits = rows.Enabled ? rows.Apply(prepared, logits) : logits;
        }

        return Limit > 0f ? Ops.SoftCap(logits, Limit) : logits;
    }

    /// <summary>The cross-entropy of predicting tokens, with the projection in one: see <see cref="Ops.LinearCrossEntropy"/>.</summary>
    /// <param name="hidden">The body's vectors, [N, C].</param>
    /// <param name="labels">N ids, or −100 for rows that are not learned from.</param>
    /// <param name="weights">N factors; null (default) for all 1.</param>
    /// <param name="scale">Factor of the sum.</param>
    /// <param name="statistics">If given, receives each target token's loss and whether it was predicted.</param>
    /// <returns>[1].</returns>
    public Tensor Loss(Tensor hidden, int[] labels, float[]? weights = null, float scale = 1f, TokenLossStatistics? statistics = null)
    {
        OutputRows[] rows = [.. _rows.Where(part => part.Enabled)];
        StandInRows? standIn = rows.Length switch
        {
            0 => null,
            1 => new StandInRows(rows[0].Rows, [.. rows[0].Ids]),
            _ => throw new InvalidOperationException($"{rows.Length} adapters with rows of their own for some tokens are switched on. Switch all but one off."),
        };
        return Ops.LinearCrossEntropy(Prepare(hidden), Projection, Offset?.Value, labels, weights, scale, statistics, standIn, Limit);
    }

    internal void Attach(OutputRows rows) => _rows.Add(rows);

    internal void Detach(OutputRows rows) => _rows.Remove(rows);
}

/// <summary>A projection, tied to the token table or with a weight of its own called <c>weight</c>.</summary>
public sealed class CausalHead : VocabularyHead
{
    private readonly float _scale;

    /// <summary>Takes <c>weight</c> from <paramref name="w"/> unless <paramref name="tied"/>.</summary>
    /// <param name="w">The root of the checkpoint at <c>lm_head</c>.</param>
    /// <param name="backbone">The body it reads from.</param>
    /// <param name="tied">True when the token table is also the projection.</param>
    /// <param name="initializer">First values of a projection of its own.</param>
    /// <param name="bias">True when it has an offset, <c>bias</c>.</param>
    /// <param name="scale">Factor of the logits.</param>
    /// <param name="limit">See <see cref="VocabularyHead.Limit"/>.</param>
    public CausalHead(WeightScope w, Backbone backbone, bool tied, Initializer initializer, bool bias = false, float scale = 1f, float limit = 0f)
        : base((w ?? throw new ArgumentNullException(nameof(w))).Path)
    {
        ArgumentNullException.ThrowIfNull(backbone);
        (_scale, Limit) = (scale, limit);
        WeightScope head = w.As(ParameterKind.Head).AtDepth(backbone.Blocks.Count + 1);
        Projection = tied ? backbone.TokenTable : Add(head.Weight("weight", [backbone.VocabularySize, backbone.OutputWidth], initializer));
        Offset = bias ? Add(head.Weight("bias", [backbone.VocabularySize], Initializer.Zeros)) : null;
    }

    /// <inheritdoc/>
    public override Parameter Projection { get; }

    /// <inheritdoc/>
    public override Parameter? Offset { get; }

    /// <inheritdoc/>
    public override float Limit { get; }

    /// <inheritdoc/>
    public override Tensor Prepare(Tensor hidden) => _scale == 1f ? hidden : Ops.Scale(hidden, _scale);
}
