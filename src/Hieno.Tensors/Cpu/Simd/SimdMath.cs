using System.Runtime.CompilerServices;

namespace Hieno.Tensors.Cpu.Simd;

/// <summary>Elementary functions, lane by lane, for every vector width.</summary>
internal static class SimdMath
{
    /// <summary>
    /// eˣ with a largest relative error of about 1.1e-7. With n = round(x · log₂e) and r = x − n·ln 2 (ln 2 split in two constants, so
    /// that the subtraction is exact enough), eˣ = 2ⁿ · eʳ, and eʳ on |r| ≤ ½ ln 2 is a polynomial of degree 6.
    /// Overflows to infinity and underflows to zero; −∞ gives 0.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Exp<V>(V x)
        where V : unmanaged, ISimd<V>
    {
        // Beyond these limits the result is ∞ or 0 anyway; clamping keeps −∞ − (−∞) out of the polynomial.
        x = V.Max(V.Min(x, V.All(89f)), V.All(-104f));
        V n = V.Round(x * V.All(1.44269504f));
        V r = V.Fma(n, V.All(-0.693359375f), x);
        r = V.Fma(n, V.All(2.12194440e-4f), r);
        V p = V.All(1.9875691500e-4f);
        p = V.Fma(p, r, V.All(1.3981999507e-3f));
        p = V.Fma(p, r, V.All(8.3334519073e-3f));
        p = V.Fma(p, r, V.All(4.1665795894e-2f));
        p = V.Fma(p, r, V.All(1.6666665459e-1f));
        p = V.Fma(p, r, V.All(0.5f));
        p = V.Fma(p, r * r, r + V.All(1f));
        return V.Scale(p, n);
    }
}
