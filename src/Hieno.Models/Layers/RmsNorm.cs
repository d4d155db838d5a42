using Hieno.Tensors;

namespace Hieno.Models.Layers;

/// <summary>Root-mean-square normalisation: each row is divided by its root mean square and scaled.</summary>
/// <remarks>Zhang and Sennrich 2019, <see href="https://arxiv.org/abs/1910.07467"/>.</remarks>
public sealed class RmsNorm : Module
{
    private readonly float _eps;

    /// <summary>Takes <c>weight</c> from <paramref name="w"/>.</summary>
    public RmsNorm(WeightScope w, int width, float eps)
        : base(w.Path)
    {
        _eps = eps;
        Gain = Add(w.As(ParameterKind.Norm).Weight("weight", [width], Initializer.Ones));
    }

    /// <summary>The scale, [width].</summary>
    public Parameter Gain { get; }

    /// <summary>Normalises the rows of <paramref name="x"/>, [..., width].</summary>
    public Tensor Forward(Tensor x) => Ops.RmsNorm(x, Gain, _eps);
}
