using System.Runtime.CompilerServices;

namespace Hieno.Tensors.Cpu.Simd;

/// <summary>Elementary functions, lane by lane, for every vector width.</summary>
internal static class SimdMath
{
    /// <summary>
    /// eˣ with a largest relative error of about 1.1e-7. With n = round(x · log₂e) and r = x − n·ln 2 (ln 2 split in two constants, so
    /// that the subtraction is exact enough), eˣ = 2ⁿ · eʳ, and eʳ on |r| ≤ ½ ln 2 is a polynomial of degree 6.
    /// Overflows to infinity and underflows to zero; −∞ gives 0; NaN stays NaN.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Exp<V>(V x)
        where V : unmanaged, ISimd<V>
    {
        // Beyond these limits the result is ∞ or 0 anyway; clamping keeps −∞ − (−∞) out of the polynomial. The limits come first,
        // because x86 answers the second operand where one of the two is NaN: a NaN must get through.
        x = V.Max(V.All(-104f), V.Min(V.All(89f), x));
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

    /// <summary>
    /// 2ˣ for |x| below 200: with n = round(x) and r = x − n, which is exact, 2ˣ = 2ⁿ · 2ʳ, and 2ʳ on |r| ≤ ½ is a polynomial of degree 6
    /// fitted at Chebyshev nodes (relative error 2e-9 before rounding). Cheaper than <see cref="Exp{V}"/>; NaN stays NaN.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Exp2<V>(V x)
        where V : unmanaged, ISimd<V>
    {
        V n = V.Round(x);
        V r = x - n;
        V p = V.All(1.53533574e-4f);
        p = V.Fma(p, r, V.All(1.33988747e-3f));
        p = V.Fma(p, r, V.All(9.61843738e-3f));
        p = V.Fma(p, r, V.All(5.55033247e-2f));
        p = V.Fma(p, r, V.All(0.240226479f));
        p = V.Fma(p, r, V.All(0.693147203f));
        p = V.Fma(p, r, V.All(1f));
        return V.Scale(p, n);
    }

    /// <summary>
    /// ln x with a largest error of about 1 ulp. x = 2ᵉ · (1 + f) with 1 + f in [√½, √2); ln(1 + f) = f − f²/2 + f³·P(f), where P of
    /// degree 8 was fitted at Chebyshev nodes (relative error 3.4e-9 before rounding). Zero gives −∞, negative numbers NaN.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Log<V>(V x)
        where V : unmanaged, ISimd<V>
    {
        // Subnormal numbers are moved into the normal range by 2²⁴ first.
        V isTiny = V.SelectLess(x, V.All(1.17549435e-38f), V.All(24f), V.Zero);
        V normal = V.Scale(x, isTiny);
        V e = V.Exponent(normal);
        V m = V.Scale(normal, V.Zero - e);
        V above = V.SelectLess(V.All(1.41421356f), m, V.All(1f), V.Zero);
        m = V.Scale(m, V.Zero - above);
        e = e + above - isTiny;
        V f = m - V.All(1f);
        V p = V.All(0.06971612f);
        p = V.Fma(p, f, V.All(-0.11479734f));
        p = V.Fma(p, f, V.All(0.11685420f));
        p = V.Fma(p, f, V.All(-0.12425687f));
        p = V.Fma(p, f, V.All(0.14249058f));
        p = V.Fma(p, f, V.All(-0.16667803f));
        p = V.Fma(p, f, V.All(0.20000716f));
        p = V.Fma(p, f, V.All(-0.24999997f));
        p = V.Fma(p, f, V.All(0.33333331f));

        // e · ln 2 in two parts: the upper one has so few bits that its product with e is exact.
        V square = f * f;
        V tail = V.Fma(p, square * f, e * V.All(-2.12194440e-4f)) - (square * V.All(0.5f));
        V y = V.Fma(e, V.All(0.693359375f), f + tail);
        V whenNotPositive = V.SelectLess(x, V.Zero, V.All(float.NaN), V.All(float.NegativeInfinity));
        y = V.SelectLess(V.Zero, x, y, whenNotPositive);
        return V.SelectLess(V.Abs(x), V.All(float.PositiveInfinity), y, V.SelectLess(x, V.Zero, V.All(float.NaN), x)); // ∞, −∞, NaN
    }

    /// <summary>1 / (1 + e⁻ˣ), about 2 ulp; 0 and 1 at the infinities.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Sigmoid<V>(V x)
        where V : unmanaged, ISimd<V> => V.All(1f) / (V.All(1f) + Exp(V.Zero - x));

    /// <summary>
    /// tanh x, about 2 ulp. Up to |x| = 0.65 it is x + x³·P(x²), P of degree 4 fitted at Chebyshev nodes (relative error 3.4e-8 before
    /// rounding); beyond, where nothing cancels, 1 − 2 / (e²ˣ + 1). The sign of a zero is lost.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Tanh<V>(V x)
        where V : unmanaged, ISimd<V>
    {
        V s = x * x;
        V p = V.All(-0.0059237261f);
        p = V.Fma(p, s, V.All(0.0208734609f));
        p = V.Fma(p, s, V.All(-0.0538237579f));
        p = V.Fma(p, s, V.All(0.1333258301f));
        p = V.Fma(p, s, V.All(-0.3333332837f));
        V near = V.Fma(p, s * x, x);
        V far = V.All(1f) - (V.All(2f) / (Exp(x + x) + V.All(1f)));
        return V.SelectLess(V.Abs(x), V.All(0.65f), near, far);
    }

    /// <summary>
    /// erf x, about 1 ulp. Up to |x| = 1 it is x + x·P(x²) with P of degree 6 (fitted at Chebyshev nodes, relative error 6.4e-9 before
    /// rounding); beyond, ±(1 − e^(−Q(|x|))) with Q of degree 6 fitted to −ln erfc (error of erfc 2.5e-8). From |x| = 4 on it is ±1.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Erf<V>(V x)
        where V : unmanaged, ISimd<V>
    {
        V s = x * x;
        V p = V.All(7.8758749e-5f);
        p = V.Fma(p, s, V.All(-8.0168643e-4f));
        p = V.Fma(p, s, V.All(5.1890872e-3f));
        p = V.Fma(p, s, V.All(-2.6854211e-2f));
        p = V.Fma(p, s, V.All(0.11283594f));
        p = V.Fma(p, s, V.All(-0.37612626f));
        p = V.Fma(p, s, V.All(0.12837917f));
        V near = V.Fma(p, x, x);

        V t = V.Min(V.All(4f), V.Abs(x)); // the limit first: a NaN gets through
        V q = V.All(-1.3242543e-4f);
        q = V.Fma(q, t, V.All(2.3767697e-3f));
        q = V.Fma(q, t, V.All(-1.9386575e-2f));
        q = V.Fma(q, t, V.All(9.7637869e-2f));
        q = V.Fma(q, t, V.All(0.64483202f));
        q = V.Fma(q, t, V.All(1.1228368f));
        q = V.Fma(q, t, V.All(1.4411532e-3f));
        V far = V.All(1f) - Exp(V.Zero - q);
        far = V.SelectLess(x, V.Zero, V.Zero - far, far);
        return V.SelectLess(t, V.All(1f), near, far);
    }
}
