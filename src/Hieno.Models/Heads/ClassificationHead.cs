using Hieno.Tensors;

namespace Hieno.Models.Heads;

/// <summary>The output layer of a classifier or regressor: a few numbers for each row.</summary>
/// <param name="path">Its checkpoint path.</param>
public abstract class ClassificationHead(string path) : Module(path)
{
    /// <summary>Numbers for each row: classes, or regression targets.</summary>
    public abstract int Outputs { get; }

    /// <summary>The tokens it reads, rising, so that the body need not compute others to the end. Default: null, it reads all.</summary>
    public virtual int[]? TokensRead(TokenBatch batch) => null;

    /// <summary>Computes each row's numbers.</summary>
    /// <param name="hidden">The body's output at <see cref="TokensRead"/>: [rows, C] where one token of each row is read, [N, C] where all are.</param>
    /// <param name="batch">The rows.</param>
    /// <returns>[rows, <see cref="Outputs"/>].</returns>
    public abstract Tensor Forward(Tensor hidden, TokenBatch batch);
}

/// <summary>Reads a causal model's last token, the only one that has seen the whole row, through a bias-free layer called <c>score</c>.</summary>
public sealed class LastTokenHead : ClassificationHead
{
    private readonly Layers.Linear _score;

    /// <summary>Takes <c>weight</c> from <paramref name="w"/>.</summary>
    /// <param name="w">The checkpoint at <c>score</c>.</param>
    /// <param name="backbone">The body it reads from.</param>
    /// <param name="outputs">Numbers for each row.</param>
    /// <param name="initializer">First values of a new head.</param>
    public LastTokenHead(WeightScope w, Backbone backbone, int outputs, Initializer initializer)
        : base(w.Path)
    {
        ArgumentNullException.ThrowIfNull(backbone);
        _score = Add(new Layers.Linear(w.As(ParameterKind.Head).AtDepth(backbone.Blocks.Count + 1), backbone.OutputWidth, outputs, initializer, bias: false));
    }

    /// <inheritdoc/>
    public override int Outputs => _score.Out;

    /// <inheritdoc/>
    public override int[] TokensRead(TokenBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        return batch.LastTokens();
    }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor hidden, TokenBatch batch) => _score.Forward(hidden); // [rows, C] → [rows, outputs]
}
