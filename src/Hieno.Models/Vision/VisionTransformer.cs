using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Models.Vision;

/// <summary>
/// The body of a vision transformer: a picture is a row of vectors, some that belong to no place of it (such as a class vector) and then one for
/// each patch, from left to right and from top to bottom.
/// </summary>
/// <remarks>Dosovitskiy et al. 2020, <see href="https://arxiv.org/abs/2010.11929"/>, section 3.1.</remarks>
/// <param name="path">Its checkpoint path, e.g. <c>vit</c>; empty where names have no prefix.</param>
public abstract class VisionTransformer(string path) : VisionBackbone(path)
{
    private readonly List<VisualPrompt> _prompts = [];

    /// <summary>Vectors of a picture before those of its patches: 1 for a class vector.</summary>
    public abstract int Specials { get; }

    /// <summary>Width C of the vectors that the blocks read. Default: that of the features.</summary>
    public virtual int VectorWidth => Width;

    /// <summary>Numbers that are read of a patch: its pixels times their channels.</summary>
    public abstract int NumbersOfPatch { get; }

    /// <summary>True (default) where a picture may be given more vectors than it has patches.</summary>
    public virtual bool TakesPrompts => true;

    /// <inheritdoc/>
    public override IReadOnlyList<AdapterPart> Parts => _prompts;

    /// <summary>What the blocks read: the vectors with all that is added to them, [N · T, C].</summary>
    protected abstract Tensor Embed(ImageBatch batch);

    /// <summary>Runs one block.</summary>
    /// <param name="index">Its number.</param>
    /// <param name="x">[N · T, C].</param>
    /// <param name="rows">The pictures' vectors.</param>
    protected abstract Tensor RunBlock(int index, Tensor x, TokenBatch rows);

    /// <summary>What follows the last block. Default: nothing.</summary>
    /// <param name="x">[N · T, C].</param>
    /// <param name="batch">The pictures.</param>
    protected virtual Tensor Complete(Tensor x, ImageBatch batch) => x;

    /// <inheritdoc/>
    protected sealed override Tensor Stem(ImageBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        Tensor x = Embed(batch);
        foreach (VisualPrompt prompt in Enabled)
        {
            int tokens = x.Rows / batch.Count;
            x = Ops.Prepend(prompt.Before(0)!, x, [.. Enumerable.Range(0, batch.Count).Select(picture => (picture * tokens) + Specials)]);
        }

        return x;
    }

    /// <inheritdoc/>
    protected sealed override Tensor RunBlock(int index, Tensor x, ImageBatch batch)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(batch);
        int tokens = x.Rows / batch.Count;
        return RunBlock(index, index == 0 ? x : WithPromptsOf(index, x, tokens), batch.Rows(tokens));
    }

    /// <inheritdoc/>
    protected sealed override Tensor Finish(Tensor x, ImageBatch batch)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(batch);
        int added = Enabled.Sum(prompt => prompt.Count);
        if (added > 0)
        {
            int tokens = x.Rows / batch.Count;
            x = Ops.Rows(x, [.. Enumerable.Range(0, x.Rows).Where(row => row % tokens < Specials || row % tokens >= Specials + added)]);
        }

        return Complete(x, batch);
    }

    internal void Attach(VisualPrompt prompt) => _prompts.Add(prompt);

    internal void Detach(VisualPrompt prompt) => _prompts.Remove(prompt);

    private IEnumerable<VisualPrompt> Enabled => _prompts.Where(prompt => prompt.Enabled);

    // The prompt that was put in last lies first.
    private Tensor WithPromptsOf(int block, Tensor x, int tokens)
    {
        int first = Specials;
        foreach (VisualPrompt prompt in Enabled.Reverse())
        {
            if (prompt.Before(block) is { } vectors)
            {
                (int from, int rows) = (first, x.Rows);
                int[] order = [.. Enumerable.Range(0, rows).Select(row => row % tokens >= from && row % tokens < from + prompt.Count ? rows + (row % tokens) - from : row)];
                x = Ops.Rows(Ops.Concatenate(x, vectors), order);
            }

            first += prompt.Count;
        }

        return x;
    }

    /// <summary>The vectors of pictures: special ones first, then those of the patches, each with its place added.</summary>
    /// <param name="patches">[N, H', W', C].</param>
    /// <param name="places">One vector for each special one and each patch of a picture, [..., S + P, C]; null where places are added elsewhere.</param>
    /// <param name="grid">Patches down and across that there are places for; for a picture of others they are interpolated, by cubics.</param>
    /// <param name="specials">The special vectors, each of C numbers.</param>
    /// <returns>[N · (S + H' · W'), C].</returns>
    protected static Tensor Arrange(Tensor patches, Parameter? places, (int Height, int Width) grid, params Parameter[] specials)
    {
        ArgumentNullException.ThrowIfNull(patches);
        ArgumentNullException.ThrowIfNull(specials);
        (int pictures, int height, int width, int columns) = (patches.Shape[0], patches.Shape[1], patches.Shape[2], patches.Shape[3]);
        int perPicture = height * width;
        Tensor x = Ops.Reshape(patches, [pictures * perPicture, columns]);
        if (specials.Length > 0)
        {
            Tensor head = Ops.Concatenate([.. specials.Select(special => Ops.Reshape(special, [1, columns]))]);
            x = Ops.Prepend(head, x, [.. Enumerable.Range(0, pictures).Select(picture => picture * perPicture)]);
        }

        if (places is null)
        {
            return x;
        }

        Tensor table = Ops.Reshape(places, [specials.Length + (grid.Height * grid.Width), columns]);
        table = grid == (height, width) ? table : Interpolated(table, specials.Length, grid, (height, width));
        return Ops.Add(x, Ops.Rows(table, [.. Enumerable.Range(0, x.Rows).Select(row => row % table.Rows)]));
    }

    private static Tensor Interpolated(Tensor table, int specials, (int Height, int Width) grid, (int Height, int Width) wanted)
    {
        Tensor patches = Ops.Rows(table, [.. Enumerable.Range(specials, grid.Height * grid.Width)]);
        Tensor picture = Ops.Interpolate(
            Ops.Reshape(patches, [1, grid.Height, grid.Width, table.Columns]), ResampleSide.Cubic(grid.Height, wanted.Height), ResampleSide.Cubic(grid.Width, wanted.Width));
        Tensor places = Ops.Reshape(picture, [wanted.Height * wanted.Width, table.Columns]);
        return specials == 0 ? places : Ops.Concatenate(Ops.Rows(table, [.. Enumerable.Range(0, specials)]), places);
    }

    /// <summary>The vector at one place of each picture's row.</summary>
    /// <param name="features">[N · T, C].</param>
    /// <param name="batch">The pictures.</param>
    /// <param name="place">Its place, from 0.</param>
    /// <returns>[N, C].</returns>
    public static Tensor VectorsAt(Tensor features, ImageBatch batch, int place)
    {
        ArgumentNullException.ThrowIfNull(features);
        ArgumentNullException.ThrowIfNull(batch);
        int tokens = features.Rows / batch.Count;
        return Ops.Rows(features, [.. Enumerable.Range(0, batch.Count).Select(picture => (picture * tokens) + place)]);
    }

    /// <summary>The mean of the vectors of each picture's patches.</summary>
    /// <param name="features">[N · T, C].</param>
    /// <param name="batch">The pictures.</param>
    /// <param name="specials">Vectors of a picture that are not counted: the first ones.</param>
    /// <returns>[N, C].</returns>
    public static Tensor PatchMeans(Tensor features, ImageBatch batch, int specials)
    {
        ArgumentNullException.ThrowIfNull(features);
        ArgumentNullException.ThrowIfNull(batch);
        int tokens = features.Rows / batch.Count;
        int patches = tokens - specials;
        Tensor rows = specials == 0 ? features : Ops.Rows(features, [.. Enumerable.Range(0, batch.Count * patches).Select(row => (row / patches * tokens) + specials + (row % patches))]);
        return Ops.SegmentMean(rows, [.. Enumerable.Range(0, batch.Count + 1).Select(picture => picture * patches)]);
    }
}
