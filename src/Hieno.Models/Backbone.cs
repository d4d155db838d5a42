using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Models;

/// <summary>The body of a text model: from token ids to one vector for each token.</summary>
/// <param name="path">Its checkpoint path, e.g. <c>model</c> or <c>bert</c>.</param>
public abstract class Backbone(string path) : Module(path)
{
    private readonly List<VirtualTokens> _virtual = [];
    private readonly List<SideNetwork> _sides = [];

    /// <summary>Width of the vectors.</summary>
    public abstract int Width { get; }

    /// <summary>Width of the token table's vectors, beside which the vectors of prompts stand; <see cref="Width"/> unless a layer leads from it to the blocks.</summary>
    public int TokenWidth => TokenTable.Value.Columns;

    /// <summary>Width of the vectors that a head reads; <see cref="Width"/> unless the body's end has another.</summary>
    public virtual int OutputWidth => Width;

    /// <summary>Number of tokens it knows.</summary>
    public abstract int VocabularySize { get; }

    /// <summary>The longest row it can read, in tokens.</summary>
    public abstract int MaxPositions { get; }

    /// <summary>The longest text it can read: <see cref="MaxPositions"/> without the virtual tokens that are switched on.</summary>
    public int MaxTextLength => MaxPositions - VirtualTokenCount;

    /// <summary>The virtual tokens that are switched on.</summary>
    public int VirtualTokenCount => _virtual.Sum(part => part.Enabled ? part.Count : 0);

    /// <inheritdoc/>
    public override IReadOnlyList<AdapterPart> Parts => [.. _virtual, .. _sides];

    /// <summary>The repeated layers, lowest first.</summary>
    public abstract IReadOnlyList<Module> Blocks { get; }

    /// <summary>True when a token sees only those before it, so that the model can generate.</summary>
    public abstract bool IsCausal { get; }

    /// <summary>Width of one token's keys in a <see cref="KvCache"/>.</summary>
    public abstract int KeyWidth { get; }

    /// <summary>The token table; a tied output layer shares it.</summary>
    public abstract Parameter TokenTable { get; }

    /// <summary>
    /// True to keep only the input of each <see cref="CheckpointSpan"/> of blocks and to compute the blocks again in the backward pass. Of spans
    /// longer than one block the last is kept: it would be computed again at once.
    /// </summary>
    public bool GradientCheckpointing { get; set; }

    /// <summary>How many blocks are computed again together, from 1 (default); 0 for the root of their number, rounded up.</summary>
    /// <remarks>The root: Chen et al. 2016, <see href="https://arxiv.org/abs/1604.06174"/>, section 4.1.</remarks>
    public int CheckpointSpan { get; set; } = 1;

    /// <summary>Remembers what the frozen lowest blocks compute, so that they run once for each row of data; null (default) computes it each time.</summary>
    public FrozenPrefix? Prefix { get; set; }

    /// <summary>
    /// The batch as the blocks read it: with the virtual tokens of adapters before each text that begins. <see cref="Forward"/> adds them by
    /// itself and gives the text's vectors; whoever wants theirs as well, as heads that read whole rows do, adds them first.
    /// </summary>
    /// <param name="batch">The rows.</param>
    /// <returns>The batch itself where there are none, or where it has them already.</returns>
    public TokenBatch WithVirtualTokens(TokenBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        if (batch.HasVirtualTokens || VirtualTokenCount == 0)
        {
            return batch;
        }

        int prompt = _virtual.OfType<PromptVectors>().Sum(part => part.Enabled ? part.Count : 0);
        int prefix = VirtualTokenCount - prompt;
        return batch.WithVirtualTokens(prompt, prefix, prefix > 0 ? PrefixOfLayers : null);
    }

    /// <summary>Reads a batch.</summary>
    /// <param name="batch">The rows.</param>
    /// <param name="tokens">
    /// The tokens whose vectors are wanted, by their place in the batch, rising; null (default) for all. The last block computes keys and
    /// values of every token, but all else of these alone.
    /// </param>
    /// <returns>One vector for each token, after the last normalisation, [N, <see cref="OutputWidth"/>], or [tokens, <see cref="OutputWidth"/>].</returns>
    /// <exception cref="ArgumentException">A row is longer than <see cref="MaxPositions"/>, or a cache is given to a model whose tokens see the whole row.</exception>
    public Tensor Forward(TokenBatch batch, int[]? tokens = null)
    {
        ArgumentNullException.ThrowIfNull(batch);
        if (batch.Cache is not null && !IsCausal)
        {
            throw new ArgumentException("A model whose tokens see the whole row has no use for a cache of earlier tokens: give it whole rows.", nameof(batch));
        }

        TokenBatch text = batch;
        batch = WithVirtualTokens(text);
        tokens = ReferenceEquals(batch, text) ? tokens : batch.PlacesOf(tokens);
        if (batch.Reach > MaxPositions)
        {
            string virtuals = batch.HasVirtualTokens ? $", of which {VirtualTokenCount} are virtual," : string.Empty;
            throw new ArgumentException($"A row of {batch.Reach} tokens{virtuals} is longer than the {MaxPositions} positions this model has.", nameof(batch));
        }

        if (_sides.Find(part => part.Enabled) is { } side)
        {
            Tensor beside = ForwardBeside(side, batch);
            return tokens is null ? beside : Ops.Rows(beside, tokens);
        }

        bool remembers = Prefix is not null && !batch.HasVirtualTokens && Prefix.Applies(this, batch);
        AdapterRouting? routing = AdapterRouting.Of(this, batch);
        Tensor x = remembers ? Prefix!.Read(this, batch, tokens) : routing is null ? Embed(batch) : routing.Run(() => Embed(batch)); // [N, C]
        x = RunBlocks(x, remembers ? Prefix!.Blocks : 0, Blocks.Count, batch, tokens, routing);
        batch.Cache?.Advance(batch);
        return Finish(x);
    }

    /// <summary>What the blocks read: the tokens' vectors with all that is added to them, [N, <see cref="Width"/>].</summary>
    /// <param name="batch">Rows that are known to fit.</param>
    protected internal abstract Tensor Embed(TokenBatch batch);

    /// <summary>The vectors that the token table gave the text, with those of virtual tokens before each text that begins; a family's <see cref="Embed"/> calls it.</summary>
    /// <param name="text">The vectors of <see cref="TokenBatch.TextIds"/>.</param>
    /// <param name="batch">The rows.</param>
    /// <returns>[N, <see cref="TokenWidth"/>].</returns>
    protected Tensor WithPrompts(Tensor text, TokenBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        PromptVectors[] prompts = [.. _virtual.OfType<PromptVectors>().Where(part => part.Enabled)];
        return Array.Exists(prompts, part => part.DependsOnTask)
            ? batch.WithPromptOfTask(text, [.. prompts.Select(part => (part.Count, (Func<IReadOnlyList<string?>, Tensor>)part.VectorsOf))])
            : batch.WithPrompt(text, () => Below([.. prompts.Select(part => part.Vectors())]));
    }

    /// <summary>Runs one block.</summary>
    /// <param name="index">Its number.</param>
    /// <param name="x">[N, <see cref="Width"/>].</param>
    /// <param name="batch">The rows.</param>
    /// <param name="tokens">The tokens whose vectors are wanted, or null for all.</param>
    /// <returns>[N, <see cref="Width"/>], or [tokens, <see cref="Width"/>].</returns>
    /// <remarks>A model without <see cref="Blocks"/> need not override it.</remarks>
    protected virtual Tensor RunBlock(int index, Tensor x, TokenBatch batch, int[]? tokens) =>
        throw new NotSupportedException($"{GetType().Name} lists blocks, but does not run them.");

    /// <summary>A term of the loss that the body itself asks for, such as the balance of experts; to be asked for after <see cref="Forward"/> and before the backward pass.</summary>
    /// <param name="batch">The batch that was read.</param>
    /// <param name="share">This batch's share of the step, which the term is multiplied by: 1 where the step has one batch.</param>
    /// <returns>The term's value; its gradient enters by itself. Default: 0.</returns>
    public virtual float AuxiliaryLoss(TokenBatch batch, float share) => 0f;

    /// <summary>True where each row is given the same vectors whatever rows are beside it. Default: always.</summary>
    protected internal virtual bool RowsAreIndependent(TokenBatch batch) => true;

    /// <summary>What follows the last block: a normalisation in most families. Default: nothing.</summary>
    protected virtual Tensor Finish(Tensor x) => x;

    /// <summary>Runs the blocks from <paramref name="first"/> up to <paramref name="end"/>, the model's last one for the wanted tokens only.</summary>
    /// <remarks>Each gives its temporary memory back and keeps no more of it than training needs.</remarks>
    internal Tensor RunBlocks(Tensor x, int first, int end, TokenBatch batch, int[]? tokens, AdapterRouting? routing = null)
    {
        int span = !GradientCheckpointing ? 1 : CheckpointSpan > 0 ? CheckpointSpan : (int)Math.Ceiling(Math.Sqrt(Blocks.Count));
        for (int i = first; i < end; i += span)
        {
            (int from, int to) = (i, Math.Min(i + span, end));
            bool isKept = !GradientCheckpointing || (span > 1 && to == Blocks.Count);
            Tensor y = isKept ? Run(x, from, to, batch, tokens, routing) : Ops.Checkpoint(
                x,
                h => Run(h, from, to, batch, tokens, routing),
                Blocks.Take(from..to).Any(block => block.HasTrainable()),
                [.. Enumerable.Range(from, to - from).SelectMany(batch.PrefixRead)]);
            x = Succeed(x, y);
        }

        bool isUnpicked = end == Blocks.Count && (end == 0 || (first < end && !LastPicks(routing)));
        return isUnpicked && tokens is not null ? Ops.Rows(x, tokens) : x;
    }

    /// <summary>Runs one block for all tokens, by itself: for networks that are built of blocks of this kind.</summary>
    /// <param name="index">Its number.</param>
    /// <param name="x">[N, <see cref="Width"/>].</param>
    /// <param name="batch">The rows.</param>
    /// <returns>[N, <see cref="Width"/>].</returns>
    public Tensor ForwardBlock(int index, Tensor x, TokenBatch batch) => Ops.Block(x, h => RunBlock(index, h, batch, null));

    /// <summary>What follows the last block, by itself.</summary>
    public Tensor ForwardEnd(Tensor x) => Finish(x);

    private Tensor Run(Tensor x, int from, int to, TokenBatch batch, int[]? tokens, AdapterRouting? routing)
    {
        for (int i = from; i < to; i++)
        {
            int index = i;
            int[]? wanted = i == Blocks.Count - 1 && LastPicks(routing) ? tokens : null;
            Tensor y = Ops.Block(x, h => routing is null ? RunBlock(index, h, batch, wanted) : routing.Run(() => RunBlock(index, h, batch, null)));
            x = i == from ? y : Succeed(x, y); // what the first one reads belongs to the caller
        }

        return x;
    }

    private static Tensor Succeed(Tensor x, Tensor y)
    {
        if (y.Storage != x.Storage)
        {
            x.Forget();
        }

        return y;
    }

    // Updates between the parts of a block, and tokens of several adapters, need all tokens.
    private bool LastPicks(AdapterRouting? routing) => routing is null && !IsChanged(Blocks[^1]);

    internal void Attach(VirtualTokens part) => _virtual.Add(part);

    internal void Attach(SideNetwork part) => _sides.Add(part);

    internal void Detach(SideNetwork part) => _sides.Remove(part);

    internal void Detach(VirtualTokens part) => _virtual.Remove(part);

    private Tensor ForwardBeside(SideNetwork side, TokenBatch batch)
    {
        if (batch.HasVirtualTokens || batch.Adapters is not null)
        {
            throw new ArgumentException($"The adapter '{side.Adapter}' is a network beside the body, which reads whole batches without virtual tokens. Switch it or the others off.", nameof(batch));
        }

        Backend backend = TokenTable.Value.Backend;
        Tensor[] states = [.. Enumerable.Range(0, Blocks.Count + 1).Select(_ => Tensor.Create([batch.Ids.Length, Width], backend))];
        TokenBatch beside = batch.Cache is { } cache ? batch.WithCache(cache.Beside(Blocks.Count, side.KeyWidth)) : batch;
        using (Tape.Begin(record: false, backend: backend, precision: Tape.Current?.Precision ?? MatMulPrecision.Fp32))
        {
            Tensor x = Embed(batch);
            backend.Copy(x, states[0]);
            for (int i = 0; i < Blocks.Count; i++)
            {
                x = ForwardBlock(i, x, batch);
                backend.Copy(x, states[i + 1]);
            }
        }

        Tensor y = side.Forward(states, beside);
        batch.Cache?.Advance(batch);
        if (!ReferenceEquals(beside, batch))
        {
            beside.Cache!.Advance(beside);
        }

        return y;
    }

    private LayerPrefix[] PrefixOfLayers()
    {
        LayerPrefix[][] parts = [.. _virtual.OfType<PrefixVectors>().Where(part => part.Enabled).Select(part => part.Layers())];
        return [.. Enumerable.Range(0, Blocks.Count).Select(i => new LayerPrefix(
            Below([.. parts.Select(part => part[i].Keys)]), Below([.. parts.Select(part => part[i].Values)])))];
    }

    private static Tensor Below(Tensor[] parts) => parts.Length == 1 ? parts[0] : Ops.Concatenate(parts);

    // Updates between the parts of a block may look for tokens by their place in the batch, so they are given all of them.
    private static bool IsChanged(Module block) => block.Modules().Any(module => module is BlockSite site && site.Parts.Any(part => part.Enabled));
}
