using Hieno.Tensors;

namespace Hieno.Models.Layers;

/// <summary>Layer normalisation: each row is centred, divided by its deviation, scaled and shifted.</summary>
/// <remarks>Ba et al. 2016, <see href="https://arxiv.org/abs/1607.06450"/>.</remarks>
public sealed class LayerNorm : Module
{
    private readonly float _eps;

    /// <summary>Takes <c>weight</c> and <c>bias</c> from <paramref name="w"/>.</summary>
    public LayerNorm(WeightScope w, int width, float eps)
        : base(w.Path)
    {
        _eps = eps;
        WeightScope norm = w.As(w.Kind == ParameterKind.Head ? ParameterKind.Head : ParameterKind.Norm);
        Gain = Add(norm.Weight("weight", [width], Initializer.Ones));
        Offset = Add(norm.Weight("bias", [width], Initializer.Zeros));
    }

    /// <summary>The scale, [width].</summary>
    public Parameter Gain { get; }

    /// <summary>The shift, [width].</summary>
    public Parameter Offset { get; }

    /// <summary>Normalises the rows of <paramref name="x"/>, [..., width].</summary>
    public Tensor Forward(Tensor x) => Ops.LayerNorm(x, Gain, Offset, _eps);
}
