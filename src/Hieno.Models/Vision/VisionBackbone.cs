using Hieno.Tensors;

namespace Hieno.Models.Vision;

/// <summary>The body of a vision model: from pictures to features, as a stem and blocks that run one after the other.</summary>
/// <param name="path">Its checkpoint path, e.g. <c>vit</c>; empty where names have no prefix.</param>
public abstract class VisionBackbone(string path) : Module(path)
{
    /// <summary>Width of the features that the head reads.</summary>
    public abstract int Width { get; }

    /// <summary>The repeated layers, lowest first: residual blocks, convolutions, or transformer blocks.</summary>
    public abstract IReadOnlyList<Module> Blocks { get; }

    /// <summary>See <see cref="PretrainedModel.GradientCheckpointing"/>.</summary>
    public bool GradientCheckpointing { get; set; }

    /// <summary>See <see cref="PretrainedModel.CheckpointSpan"/>.</summary>
    public int CheckpointSpan { get; set; } = 1;

    /// <summary>Remembers what the frozen lowest blocks compute, so that they run once for each picture; null (default) computes it each time.</summary>
    public FrozenFeatures? Frozen { get; set; }

    /// <summary>Computes features: [N, H', W', <see cref="Width"/>] of a convolutional network, [N · T, <see cref="Width"/>] of a transformer with T vectors a picture.</summary>
    /// <param name="batch">The pictures.</param>
    /// <exception cref="ShapeException">The network cannot read pictures of this size or number of channels.</exception>
    public Tensor Forward(ImageBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        return Finish(Frozen is { } frozen && RemembersFrozen && frozen.Applies(this, batch)
            ? RunBlocks(frozen.Read(this, batch), frozen.Blocks, Blocks.Count, batch)
            : RunAll(Stem(batch), batch), batch);
    }

    /// <summary>What the stem and then each block give, lowest first, <see cref="Blocks"/> + 1 in all.</summary>
    /// <param name="batch">The pictures.</param>
    public IReadOnlyList<Tensor> States(ImageBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        var states = new List<Tensor> { Stem(batch) };
        for (int i = 0; i < Blocks.Count; i++)
        {
            states.Add(RunBlock(i, states[^1], batch));
        }

        return states;
    }

    /// <summary>Computes features from what a block reads: the other end of <see cref="States"/>.</summary>
    /// <param name="state">What block <paramref name="first"/> reads, or what the last one gives.</param>
    /// <param name="first">The first block that runs; the number of blocks for none.</param>
    /// <param name="batch">The pictures.</param>
    /// <returns>As <see cref="Forward"/>.</returns>
    public Tensor Resume(Tensor state, int first, ImageBatch batch) => Finish(RunBlocks(state, first, Blocks.Count, batch), batch);

    /// <summary>What comes before the first block: a convolution, or patches with their places.</summary>
    protected abstract Tensor Stem(ImageBatch batch);

    /// <summary>Runs one block.</summary>
    protected abstract Tensor RunBlock(int index, Tensor x, ImageBatch batch);

    /// <summary>Runs all blocks; a network with outputs beside its head looks at what comes between them. Default: one after the other.</summary>
    private protected virtual Tensor RunAll(Tensor x, ImageBatch batch) => RunBlocks(x, 0, Blocks.Count, batch);

    /// <summary>Whether what frozen blocks compute may be remembered. Default true; not where something beside the blocks is computed from them.</summary>
    internal virtual bool RemembersFrozen => true;

    /// <summary>What follows the last block: a normalisation in some families. Default: nothing.</summary>
    protected virtual Tensor Finish(Tensor x, ImageBatch batch) => x;

    /// <summary>What the stem and the lowest blocks give.</summary>
    internal Tensor Lowest(int blocks, ImageBatch batch) => RunBlocks(Stem(batch), 0, blocks, batch);

    /// <summary>Runs the blocks from <paramref name="first"/> up to <paramref name="end"/>.</summary>
    /// <remarks>Each gives its temporary memory back and keeps no more of it than training needs.</remarks>
    internal Tensor RunBlocks(Tensor x, int first, int end, ImageBatch batch)
    {
        int span = !GradientCheckpointing ? 1 : CheckpointSpan > 0 ? CheckpointSpan : (int)Math.Ceiling(Math.Sqrt(Blocks.Count));
        for (int i = first; i < end; i += span)
        {
            (int from, int to) = (i, Math.Min(i + span, end));
            bool isKept = !GradientCheckpointing || (span > 1 && to == Blocks.Count);
            Tensor y = isKept
                ? Run(x, from, to, batch)
                : Ops.Checkpoint(x, h => Run(h, from, to, batch), Blocks.Take(from..to).Any(block => block.HasTrainable()));
            x = Succeed(x, y);
        }

        return x;
    }

    private Tensor Run(Tensor x, int from, int to, ImageBatch batch)
    {
        for (int i = from; i < to; i++)
        {
            int index = i;
            Tensor y = Ops.Block(x, h => RunBlock(index, h, batch));
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
}

/// <summary>The output layer of a vision model: from features to a few numbers for each picture.</summary>
/// <param name="path">Its checkpoint path, e.g. <c>fc</c> or <c>classifier</c>.</param>
public abstract class VisionHead(string path) : Module(path)
{
    /// <summary>Numbers for each picture: classes, or regression targets.</summary>
    public abstract int Outputs { get; }

    /// <summary>
    /// Numbers that an output beside this one gave in the last pass of training, [N, <see cref="Outputs"/>]: the same targets give them a loss of their
    /// own, which counts <see cref="AuxiliaryWeight"/>. Null in other passes and networks.
    /// </summary>
    public virtual Tensor? Auxiliary => null;

    /// <summary>What the loss of <see cref="Auxiliary"/> counts beside that of the head.</summary>
    /// <remarks>0.4 as in torchvision's training of Inception-v3.</remarks>
    public virtual float AuxiliaryWeight => 0.4f;

    /// <summary>Computes each picture's numbers.</summary>
    /// <param name="features">What <see cref="VisionBackbone.Forward"/> gives.</param>
    /// <param name="batch">The pictures.</param>
    /// <returns>[N, <see cref="Outputs"/>].</returns>
    public abstract Tensor Forward(Tensor features, ImageBatch batch);
}
