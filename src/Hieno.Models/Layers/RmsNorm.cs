using Hieno.Tensors;

namespace Hieno.Models.Layers;

/// <summary>Root-mean-square normalisation: each row is divided by its root mean square and scaled.</summary>
/// <remarks>Zhang and Sennrich 2019, <see href="https://arxiv.org/abs/1910.07467"/>.</remarks>
public sealed class RmsNorm : Normalization
{
    private readonly float _eps;
    private readonly float _offset;

    /// <summary>Takes <c>weight</c> from <paramref name="w"/>.</summary>
    /// <param name="w">The layer's place in the checkpoint.</param>
    /// <param name="width">Width of the rows.</param>
    /// <param name="eps">Added under the root.</param>
    /// <param name="storesGainLessOne">True where the checkpoint stores the gain less 1, as Gemma's do. Default false.</param>
    public RmsNorm(WeightScope w, int width, float eps, bool storesGainLessOne = false)
        : base((w ?? throw new ArgumentNullException(nameof(w))).Path)
    {
        (_eps, _offset) = (eps, storesGainLessOne ? 1f : 0f);
        Gain = Add(WeightsOf(w).Weight("weight", [width], storesGainLessOne ? Initializer.Zeros : Initializer.Ones));
    }

    /// <summary>The scale as it is stored, [width].</summary>
    public Parameter Gain { get; }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => Ops.RmsNorm(x, Gain, _eps, _offset);
}
