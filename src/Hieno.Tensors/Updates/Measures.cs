namespace Hieno.Tensors;

public static partial class Updates
{
    /// <summary>
    /// Σ x², for the norm of gradients: blocks of some thousands are summed in single precision, or in double precision where single
    /// precision would overflow or underflow, and the blocks in double precision.
    /// </summary>
    /// <param name="x">Any 32-bit tensor.</param>
    /// <returns>The same number for any number of threads; NaN or infinity where an element is.</returns>
    public static double SquaredNorm(Tensor x)
    {
        ThrowUnlessAlike(x, nameof(SquaredNorm));
        return x.Backend.SquaredNorm(x);
    }

    /// <summary>How many elements are infinite or NaN.</summary>
    /// <param name="x">Any 32-bit tensor.</param>
    public static long CountNonFinite(Tensor x)
    {
        ThrowUnlessAlike(x, nameof(CountNonFinite));
        return x.Backend.CountNonFinite(x);
    }

    /// <summary>x ← factor · x.</summary>
    /// <param name="x">Any 32-bit tensor.</param>
    /// <param name="factor">A constant.</param>
    public static void ScaleInPlace(Tensor x, float factor)
    {
        ThrowUnlessAlike(x, nameof(ScaleInPlace));
        x.Backend.Scale(x, factor, x, add: false);
    }
}

public abstract partial class Backend
{
    /// <summary>Kernel of <see cref="Updates.SquaredNorm"/>.</summary>
    public abstract double SquaredNorm(Tensor x);

    /// <summary>Kernel of <see cref="Updates.CountNonFinite"/>.</summary>
    public abstract long CountNonFinite(Tensor x);
}
