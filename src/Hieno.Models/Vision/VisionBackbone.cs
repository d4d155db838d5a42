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

    /// <summary>Computes features: [N, H', W', <see cref="Width"/>] of a convolutional network, [N · T, <see cref="Width"/>] of a transformer with T vectors a picture.</summary>
    /// <param name="batch">The pictures.</param>
    /// <exception cref="ShapeException">The network cannot read pictures of this size or number of channels.</exception>
    public Tensor Forward(ImageBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        Tensor x = Stem(batch);
        for (int i = 0; i < Blocks.Count; i++)
        {
            int index = i;
            Tensor y = Ops.Block(x, h => RunBlock(index, h, batch));
            if (y.Storage != x.Storage)
            {
                x.Forget(); // what training needs of it is kept
            }

            x = y;
        }

        return Finish(x, batch);
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

    /// <summary>What comes before the first block: a convolution, or patches with their places.</summary>
    protected abstract Tensor Stem(ImageBatch batch);

    /// <summary>Runs one block.</summary>
    protected abstract Tensor RunBlock(int index, Tensor x, ImageBatch batch);

    /// <summary>What follows the last block: a normalisation in some families. Default: nothing.</summary>
    protected virtual Tensor Finish(Tensor x, ImageBatch batch) => x;
}

/// <summary>The output layer of a vision model: from features to a few numbers for each picture.</summary>
/// <param name="path">Its checkpoint path, e.g. <c>fc</c> or <c>classifier</c>.</param>
public abstract class VisionHead(string path) : Module(path)
{
    /// <summary>Numbers for each picture: classes, or regression targets.</summary>
    public abstract int Outputs { get; }

    /// <summary>Computes each picture's numbers.</summary>
    /// <param name="features">What <see cref="VisionBackbone.Forward"/> gives.</param>
    /// <param name="batch">The pictures.</param>
    /// <returns>[N, <see cref="Outputs"/>].</returns>
    public abstract Tensor Forward(Tensor features, ImageBatch batch);
}
