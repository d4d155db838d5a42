using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Models.Vision.MobileNetV2;

/// <summary>A block that widens its channels, looks at each by itself, and narrows them again without an activation; it adds where it can.</summary>
/// <remarks>Sandler et al. 2018, <see href="https://arxiv.org/abs/1801.04381"/>, section 3.3.</remarks>
public sealed class InvertedResidual : Module
{
    private readonly ConvolutionUnit[] _units;

    /// <summary>Takes in the block's layers.</summary>
    /// <param name="path">Its checkpoint path.</param>
    /// <param name="units">One that widens (if there is one), one channel by channel, one that narrows.</param>
    /// <param name="adds">True where the result is added to what was read.</param>
    public InvertedResidual(string path, IReadOnlyList<ConvolutionUnit> units, bool adds)
        : base(path)
    {
        _units = [.. units];
        Adds = adds;
        foreach (ConvolutionUnit unit in _units)
        {
            Add(unit);
        }
    }

    /// <summary>True where the result is added to what was read.</summary>
    public bool Adds { get; }

    /// <summary>Runs the block.</summary>
    /// <param name="x">[N, H, W, channels].</param>
    /// <returns>[N, H', W', features].</returns>
    public Tensor Forward(Tensor x)
    {
        Tensor change = x;
        foreach (ConvolutionUnit unit in _units)
        {
            change = unit.Forward(change);
        }

        return Adds ? Ops.Add(x, change) : change;
    }
}
