using Hieno.Tensors;

namespace Hieno.Models;

/// <summary>The body of a text model: from token ids to one vector for each token.</summary>
/// <param name="path">Its checkpoint path, e.g. <c>model</c> or <c>bert</c>.</param>
public abstract class Backbone(string path) : Module(path)
{
    /// <summary>Width of the vectors.</summary>
    public abstract int Width { get; }

    /// <summary>Number of tokens it knows.</summary>
    public abstract int VocabularySize { get; }

    /// <summary>The longest row it can read, in tokens.</summary>
    public abstract int MaxPositions { get; }

    /// <summary>The repeated layers, lowest first.</summary>
    public abstract IReadOnlyList<Module> Blocks { get; }

    /// <summary>True when a token sees only those before it, so that the model can generate.</summary>
    public abstract bool IsCausal { get; }

    /// <summary>Width of one token's keys in a <see cref="KvCache"/>.</summary>
    public abstract int KeyWidth { get; }

    /// <summary>The token table; a tied output layer shares it.</summary>
    public abstract Parameter TokenTable { get; }

    /// <summary>True to keep only each block's input and to compute the block again in the backward pass.</summary>
    public bool GradientCheckpointing { get; set; }

    /// <summary>Reads a batch.</summary>
    /// <returns>One vector for each token, after the last normalisation, [N, <see cref="Width"/>].</returns>
    /// <exception cref="ArgumentException">A row is longer than <see cref="MaxPositions"/>, or a cache is given to a model whose tokens see the whole row.</exception>
    public Tensor Forward(TokenBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        if (batch.Cache is not null && !IsCausal)
        {
            throw new ArgumentException("A model whose tokens see the whole row has no use for a cache of earlier tokens: give it whole rows.", nameof(batch));
        }

        if (batch.Reach > MaxPositions)
        {
            throw new ArgumentException($"A row of {batch.Reach} tokens is longer than the {MaxPositions} positions this model has.", nameof(batch));
        }

        Tensor hidden = Read(batch);
        batch.Cache?.Advance(batch);
        return hidden;
    }

    /// <summary>Reads a batch whose rows are known to fit.</summary>
    protected abstract Tensor Read(TokenBatch batch);

    /// <summary>Runs one block, giving its temporary memory back and keeping no more of it than training needs.</summary>
    protected Tensor RunBlock(Module block, Tensor x, Func<Tensor, Tensor> forward)
    {
        ArgumentNullException.ThrowIfNull(block);
        return GradientCheckpointing ? Ops.Checkpoint(x, forward, block.HasTrainable()) : Ops.Block(x, forward);
    }
}
