using Hieno.Tensors;

namespace Hieno.Models.Layers;

/// <summary>A normalisation of each head of queries or keys by itself, with one scale for all heads.</summary>
public sealed class HeadNorm : Normalization
{
    private readonly Normalization _norm;
    private readonly int _width;

    /// <summary>Applies <paramref name="norm"/> to each head.</summary>
    /// <param name="norm">The normalisation of one head.</param>
    /// <param name="width">Width of a head.</param>
    public HeadNorm(Normalization norm, int width)
        : base($"{(norm ?? throw new ArgumentNullException(nameof(norm))).Path}.heads") => (_norm, _width) = (Add(norm), width);

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        Tensor heads = Ops.Reshape(x, [x.Rows * (x.Columns / _width), _width]); // [N · heads, D]
        return Ops.Reshape(_norm.Forward(heads), x.Shape);
    }
}

/// <summary>Layer normalisation of each head of queries or keys by itself, with a scale of its own for each head and without shift.</summary>
public sealed class ScaledHeadNorm : Normalization
{
    private readonly Parameter[] _gains;
    private readonly float _eps;
    private readonly int _heads;

    /// <summary>Takes the scales from <paramref name="w"/>.</summary>
    /// <param name="w">The layer's place in the checkpoint.</param>
    /// <param name="heads">Number of heads.</param>
    /// <param name="width">Width of a head.</param>
    /// <param name="eps">Added under the root.</param>
    /// <param name="apart">False for one <c>weight</c> of [heads, width]; true for <c>norms.h.weight</c> of each head h.</param>
    public ScaledHeadNorm(WeightScope w, int heads, int width, float eps, bool apart)
        : base((w ?? throw new ArgumentNullException(nameof(w))).Path)
    {
        (_heads, _eps) = (heads, eps);
        WeightScope norm = WeightsOf(w);
        _gains = apart
            ? [.. Enumerable.Range(0, heads).Select(head => Add(norm.At($"norms.{head}").Weight("weight", [width], Initializer.Ones)))]
            : [Add(norm.Weight("weight", [heads, width], Initializer.Ones))];
    }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        Tensor heads = Ops.LayerNorm(Ops.Reshape(x, [x.Rows * _heads, x.Columns / _heads]), null, null, _eps);
        Tensor gains = _gains.Length == 1 ? _gains[0] : Ops.Concatenate([.. _gains.Select(gain => gain.Value)]);
        return Ops.ScaleColumns(Ops.Reshape(heads, x.Shape), Ops.Reshape(gains, [x.Columns]));
    }
}
