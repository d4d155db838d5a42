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

    /// <summary>Remembers what the frozen lowest blocks compute, so that they run once for each row of data; null (default) computes it each time.</summary>
    public FrozenPrefix? Prefix { get; set; }

    /// <summary>Reads a batch.</summary>
    /// <param name="batch">The rows.</param>
    /// <param name="tokens">
    /// The tokens whose vectors are wanted, by their place in the batch, rising; null (default) for all. The last block computes keys and
    /// values of every token, but all else of these alone.
    /// </param>
    /// <returns>One vector for each token, after the last normalisation, [N, <see cref="Width"/>], or [tokens, <see cref="Width"/>].</returns>
    /// <exception cref="ArgumentException">A row is longer than <see cref="MaxPositions"/>, or a cache is given to a model whose tokens see the whole row.</exception>
    public Tensor Forward(TokenBatch batch, int[]? tokens = null)
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

        bool remembers = Prefix is not null && Prefix.Applies(this, batch);
        Tensor x = remembers ? Prefix!.Read(this, batch, tokens) : Embed(batch); // [N, C]
        x = RunBlocks(x, remembers ? Prefix!.Blocks : 0, Blocks.Count, batch, tokens);
        batch.Cache?.Advance(batch);
        return Finish(x);
    }

    /// <summary>What the blocks read: the tokens' vectors with all that is added to them, [N, <see cref="Width"/>].</summary>
    /// <param name="batch">Rows that are known to fit.</param>
    protected internal abstract Tensor Embed(TokenBatch batch);

    /// <summary>Runs one block.</summary>
    /// <param name="index">Its number.</param>
    /// <param name="x">[N, <see cref="Width"/>].</param>
    /// <param name="batch">The rows.</param>
    /// <param name="tokens">The tokens whose vectors are wanted, or null for all.</param>
    /// <returns>[N, <see cref="Width"/>], or [tokens, <see cref="Width"/>].</returns>
    /// <remarks>A model without <see cref="Blocks"/> need not override it.</remarks>
    protected virtual Tensor RunBlock(int index, Tensor x, TokenBatch batch, int[]? tokens) =>
        throw new NotSupportedException($"{GetType().Name} lists blocks, but does not run them.");

    /// <summary>True where each row is given the same vectors whatever rows are beside it. Default: always.</summary>
    protected internal virtual bool RowsAreIndependent(TokenBatch batch) => true;

    /// <summary>What follows the last block: a normalisation in most families. Default: nothing.</summary>
    protected virtual Tensor Finish(Tensor x) => x;

    /// <summary>Runs the blocks from <paramref name="first"/> up to <paramref name="end"/>, the model's last one for the wanted tokens only.</summary>
    /// <remarks>Each gives its temporary memory back and keeps no more of it than training needs.</remarks>
    internal Tensor RunBlocks(Tensor x, int first, int end, TokenBatch batch, int[]? tokens)
    {
        for (int i = first; i < end; i++)
        {
            int index = i;
            bool picks = i == Blocks.Count - 1 && !IsChanged(Blocks[i]);
            int[]? wanted = picks ? tokens : null;
            Func<Tensor, Tensor> forward = h => RunBlock(index, h, batch, wanted);
            Tensor y = GradientCheckpointing ? Ops.Checkpoint(x, forward, Blocks[i].HasTrainable()) : Ops.Block(x, forward);
            if (y.Storage != x.Storage)
            {
                x.Forget();
            }

            x = y;
        }

        bool isUnpicked = end == Blocks.Count && (end == 0 || (first < end && IsChanged(Blocks[^1])));
        return isUnpicked && tokens is not null ? Ops.Rows(x, tokens) : x;
    }

    // Updates between the parts of a block may look for tokens by their place in the batch, so they are given all of them.
    private static bool IsChanged(Module block) => block.Modules().Any(module => module is Layers.BlockSite { Parts.Count: > 0 });
}
