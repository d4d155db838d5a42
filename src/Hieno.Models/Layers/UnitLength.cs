using Hieno.Tensors;

namespace Hieno.Models.Layers;

/// <summary>Divides each row by its length, so that the product of two rows is the cosine of the angle between them.</summary>
public sealed class UnitLength
{
    // Below this mean square a row is as good as zero, and stays it.
    private const float Eps = 1e-24f;

    private readonly Tensor _factor;

    /// <summary>For rows of <paramref name="width"/> numbers.</summary>
    /// <param name="width">Numbers of a row.</param>
    /// <param name="backend">Where they lie.</param>
    public UnitLength(int width, Backend backend)
    {
        ArgumentNullException.ThrowIfNull(backend);
        _factor = Tensor.CreateLongLived([width], DType.F32, backend);
        backend.Fill(_factor, 1f / MathF.Sqrt(width)); // a root mean square is a length divided by the root of the width
    }

    /// <summary>Rows of length 1.</summary>
    /// <param name="x">[N, width].</param>
    /// <returns>[N, width].</returns>
    public Tensor Forward(Tensor x) => Ops.RmsNorm(x, _factor, Eps);
}
