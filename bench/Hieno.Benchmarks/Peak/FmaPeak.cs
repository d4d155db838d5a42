using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Hieno.Benchmarks.Peak;

/// <summary>The float32 fused multiply-adds the machine can do when nothing but arithmetic limits it.</summary>
internal static class FmaPeak
{
    /// <summary>The widest loop this processor has.</summary>
    private static readonly FmaLoop Widest =
        Avx512F.IsSupported ? new FmaLoop(512, 16, Loop512)
        : Fma.IsSupported ? new FmaLoop(256, 12, Loop256)
        : AdvSimd.Arm64.IsSupported ? new FmaLoop(128, 16, Loop128)
        : throw new BenchmarkException(ExitCode.Usage, "FmaPeak: this processor has no vector multiply-add. Use one with AVX2, AVX-512 or Arm64 NEON.");

    /// <summary>Width of the vectors used, in bits.</summary>
    public static int VectorBits => Widest.Bits;

    /// <summary>Measures the peak in operations a second; a multiply-add counts as two.</summary>
    public static double Measure(int threads)
    {
        // About 20 ms a sample at 4 GHz: long enough to leave the timer behind, short enough to fit between neighbours.
        const int Rounds = 10_000_000;
        double seconds = Together.BestOf(7, threads, _ => Widest.Run(Rounds));
        return threads * (double)Rounds * Widest.FlopsPerRound / seconds;
    }

    // A multiply-add takes 4 cycles and two start in each, so at least 8 must be under way: each accumulator
    // is one chain. 16 of them (12 where there are 16 registers in all) leave room, and stay in registers with
    // the factor and the term. x ← x·factor + term tends to term ÷ (1 − factor) = 1: no overflow, no denormals.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Loop512(int rounds)
    {
        Vector512<float> factor = Vector512.Create(0.9375f), term = Vector512.Create(0.0625f);
        Vector512<float> a = term, b = term, c = term, d = term, e = term, f = term, g = term, h = term;
        Vector512<float> i = term, j = term, k = term, l = term, m = term, n = term, o = term, p = term;
        for (int round = 0; round < rounds; round++)
        {
            a = Avx512F.FusedMultiplyAdd(a, factor, term);
            b = Avx512F.FusedMultiplyAdd(b, factor, term);
            c = Avx512F.FusedMultiplyAdd(c, factor, term);
            d = Avx512F.FusedMultiplyAdd(d, factor, term);
            e = Avx512F.FusedMultiplyAdd(e, factor, term);
            f = Avx512F.FusedMultiplyAdd(f, factor, term);
            g = Avx512F.FusedMultiplyAdd(g, factor, term);
            h = Avx512F.FusedMultiplyAdd(h, factor, term);
            i = Avx512F.FusedMultiplyAdd(i, factor, term);
            j = Avx512F.FusedMultiplyAdd(j, factor, term);
            k = Avx512F.FusedMultiplyAdd(k, factor, term);
            l = Avx512F.FusedMultiplyAdd(l, factor, term);
            m = Avx512F.FusedMultiplyAdd(m, factor, term);
            n = Avx512F.FusedMultiplyAdd(n, factor, term);
            o = Avx512F.FusedMultiplyAdd(o, factor, term);
            p = Avx512F.FusedMultiplyAdd(p, factor, term);
        }

        // The sum is returned so that no chain is dead code.
        return Vector512.Sum(a + b + c + d + e + f + g + h + i + j + k + l + m + n + o + p);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Loop256(int rounds)
    {
        Vector256<float> factor = Vector256.Create(0.9375f), term = Vector256.Create(0.0625f);
        Vector256<float> a = term, b = term, c = term, d = term, e = term, f = term;
        Vector256<float> g = term, h = term, i = term, j = term, k = term, l = term;
        for (int round = 0; round < rounds; round++)
        {
            a = Fma.MultiplyAdd(a, factor, term);
            b = Fma.MultiplyAdd(b, factor, term);
            c = Fma.MultiplyAdd(c, factor, term);
            d = Fma.MultiplyAdd(d, factor, term);
            e = Fma.MultiplyAdd(e, factor, term);
            f = Fma.MultiplyAdd(f, factor, term);
            g = Fma.MultiplyAdd(g, factor, term);
            h = Fma.MultiplyAdd(h, factor, term);
            i = Fma.MultiplyAdd(i, factor, term);
            j = Fma.MultiplyAdd(j, factor, term);
            k = Fma.MultiplyAdd(k, factor, term);
            l = Fma.MultiplyAdd(l, factor, term);
        }

        return Vector256.Sum(a + b + c + d + e + f + g + h + i + j + k + l);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Loop128(int rounds)
    {
        Vector128<float> factor = Vector128.Create(0.9375f), term = Vector128.Create(0.0625f);
        Vector128<float> a = term, b = term, c = term, d = term, e = term, f = term, g = term, h = term;
        Vector128<float> i = term, j = term, k = term, l = term, m = term, n = term, o = term, p = term;
        for (int round = 0; round < rounds; round++)
        {
            // Arm's instruction accumulates into its first operand: here the chain runs through a factor instead.
            a = AdvSimd.FusedMultiplyAdd(term, a, factor);
            b = AdvSimd.FusedMultiplyAdd(term, b, factor);
            c = AdvSimd.FusedMultiplyAdd(term, c, factor);
            d = AdvSimd.FusedMultiplyAdd(term, d, factor);
            e = AdvSimd.FusedMultiplyAdd(term, e, factor);
            f = AdvSimd.FusedMultiplyAdd(term, f, factor);
            g = AdvSimd.FusedMultiplyAdd(term, g, factor);
            h = AdvSimd.FusedMultiplyAdd(term, h, factor);
            i = AdvSimd.FusedMultiplyAdd(term, i, factor);
            j = AdvSimd.FusedMultiplyAdd(term, j, factor);
            k = AdvSimd.FusedMultiplyAdd(term, k, factor);
            l = AdvSimd.FusedMultiplyAdd(term, l, factor);
            m = AdvSimd.FusedMultiplyAdd(term, m, factor);
            n = AdvSimd.FusedMultiplyAdd(term, n, factor);
            o = AdvSimd.FusedMultiplyAdd(term, o, factor);
            p = AdvSimd.FusedMultiplyAdd(term, p, factor);
        }

        return Vector128.Sum(a + b + c + d + e + f + g + h + i + j + k + l + m + n + o + p);
    }

    /// <param name="Bits">Width of a vector.</param>
    /// <param name="Chains">Multiply-adds in one round.</param>
    /// <param name="Run">Does that many rounds.</param>
    private sealed record FmaLoop(int Bits, int Chains, Func<int, float> Run)
    {
        public double FlopsPerRound => 2.0 * Chains * (Bits / 32);
    }
}
