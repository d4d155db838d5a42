using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Hieno.Metrics.Images;

/// <summary>Sums over vectors in double precision, four numbers at a time on every machine, so that all round alike.</summary>
internal static class Doubles
{
    /// <summary>Σ aᵢ bᵢ.</summary>
    public static double Dot(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        var wideA = MemoryMarshal.Cast<double, Vector256<double>>(a);
        var wideB = MemoryMarshal.Cast<double, Vector256<double>>(b[..a.Length]);
        Vector256<double> sums = Vector256<double>.Zero;
        for (int i = 0; i < wideA.Length; i++)
        {
            sums += wideA[i] * wideB[i];
        }

        double sum = Vector256.Sum(sums);
        for (int i = wideA.Length * Vector256<double>.Count; i < a.Length; i++)
        {
            sum += a[i] * b[i];
        }

        return sum;
    }

    /// <summary>to += factor · from.</summary>
    public static void AddScaled(Span<double> to, double factor, ReadOnlySpan<double> from)
    {
        var wideTo = MemoryMarshal.Cast<double, Vector256<double>>(to);
        var wideFrom = MemoryMarshal.Cast<double, Vector256<double>>(from[..to.Length]);
        for (int i = 0; i < wideTo.Length; i++)
        {
            wideTo[i] += factor * wideFrom[i];
        }

        for (int i = wideTo.Length * Vector256<double>.Count; i < to.Length; i++)
        {
            to[i] += factor * from[i];
        }
    }
}
