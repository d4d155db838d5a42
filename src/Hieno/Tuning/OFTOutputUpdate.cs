using Hieno.Models;
using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Tuning;

/// <summary>
/// OFT as PEFT had it until version 0.13: the product is turned instead of the input, y = Rᵀ(Wx) + b. Adapters of that time are read, trained on,
/// merged and written as they are; new ones turn the input.
/// </summary>
public sealed class OFTOutputUpdate : LinearUpdate
{
    private readonly Parameter _squares;
    private readonly SkewBlocks _skew;

    /// <summary>Makes the update.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="adapter">The adapter's name.</param>
    /// <param name="squares">Blocks of which the skew-symmetric parts count, [D, b, b], or [1, b, b] for all blocks alike; long-lived.</param>
    /// <param name="blocks">D.</param>
    public OFTOutputUpdate(Linear layer, string adapter, Tensor squares, int blocks)
        : base(layer, adapter)
    {
        ArgumentNullException.ThrowIfNull(layer);
        ArgumentNullException.ThrowIfNull(squares);
        _squares = layer.CreateUpdateWeight(OFTLayout.Squares, squares);
        _skew = SkewBlocks.OfSquares(blocks, layer.Out / blocks, shared: squares.Shape[0] < blocks);
        Parameters = [_squares];
    }

    /// <inheritdoc/>
    public override IReadOnlyList<Parameter> Parameters { get; }

    /// <inheritdoc/>
    public override LinearUpdateForm Form => LinearUpdateForm.RemakesWeight;

    /// <inheritdoc/>
    public override Tensor Apply(Tensor x, Tensor y)
    {
        Tensor r = SkewBlocks.Cayley(_skew.Of(_squares));
        Tensor turned = Ops.BlockLinear(y, r);
        return Layer.Bias is { } bias ? Offset.Restore(turned, bias, offset => Ops.BlockLinear(offset, r)) : turned;
    }

    /// <inheritdoc/>
    public override void Merge() => StoredWeight.Rewrite(Layer, weight => // the columns of W, seen as [out, in], are turned
        StoredWeight.Map(Layer, weight, rows => Ops.Transpose(Ops.BlockLinear(Ops.Transpose(rows), SkewBlocks.Cayley(_skew.Of(_squares))))));
}

/// <summary>What a change of a layer's output does to its offset.</summary>
internal static class Offset
{
    /// <summary>Takes the offset out of a linear change of the output: adds b − f(b) to each row.</summary>
    /// <param name="changed">f(y), where y had the offset in it, [..., out].</param>
    /// <param name="bias">b, [out].</param>
    /// <param name="change">f, on [1, out].</param>
    public static Tensor Restore(Tensor changed, Tensor bias, Func<Tensor, Tensor> change)
    {
        Tensor offset = Ops.Reshape(bias, [1, bias.Columns]);
        Tensor rest = Ops.Add(offset, Ops.Scale(change(offset), -1f));
        return Ops.Add(changed, Ops.Reshape(Ops.Rows(rest, new int[changed.Rows]), changed.Shape));
    }
}
