using Hieno.Tensors.Cpu;
using Hieno.Tensors.Cpu.Simd;

namespace Hieno.Tensors.Tests.Cpu.Simd;

public sealed unsafe class SimdMathTests
{
    private interface IFunction
    {
        static abstract V Value<V>(V x)
            where V : unmanaged, ISimd<V>;
    }

    [Fact]
    public void Exp_is_accurate_to_two_units_in_the_last_place()
    {
        float[] points = [.. Range(-87.3f, 88.7f, 40_001), .. Range(-1e-3f, 1e-3f, 1001)];
        AssertAccurate<Exp>(points, Math.Exp, maxUlp: 2);
        AssertAccurate<Exp>(Range(-103.9f, -87.3f, 5001), Math.Exp, maxUlp: 2); // gradual underflow
        AssertExact<Exp>((0f, 1f), (-0f, 1f), (float.PositiveInfinity, float.PositiveInfinity), (float.NegativeInfinity, 0f), (float.NaN, float.NaN), (89f, float.PositiveInfinity), (1e30f, float.PositiveInfinity), (-200f, 0f), (-1e30f, 0f));
    }

    [Fact]
    public void Powers_of_two_are_accurate_to_two_units_in_the_last_place()
    {
        AssertAccurate<Exp2>([.. Range(-149f, 127.9f, 40_001), .. Range(-1e-3f, 1e-3f, 1001)], x => Math.Pow(2, x), maxUlp: 2);
        AssertExact<Exp2>((0f, 1f), (-0f, 1f), (10f, 1024f), (-163f, 0f), (150f, float.PositiveInfinity), (float.NaN, float.NaN));
    }

    [Fact]
    public void Log_is_accurate_to_two_units_in_the_last_place()
    {
        float[] points = [.. Range(0.5f, 2f, 40_001), .. Enumerable.Range(-149, 277).SelectMany(e => (float[])[MathF.ScaleB(1f, e), MathF.ScaleB(1.37f, e), MathF.ScaleB(1.99f, e)])];
        AssertAccurate<Log>([.. points.Where(float.IsFinite)], Math.Log, maxUlp: 2);
        AssertExact<Log>((1f, 0f), (0f, float.NegativeInfinity), (-0f, float.NegativeInfinity), (-1f, float.NaN), (float.PositiveInfinity, float.PositiveInfinity), (float.NegativeInfinity, float.NaN), (float.NaN, float.NaN));
    }

    [Fact]
    public void Tanh_is_accurate_to_three_units_in_the_last_place()
    {
        AssertAccurate<Tanh>([.. Range(-10f, 10f, 40_001), .. Range(-1e-3f, 1e-3f, 1001), 1e-30f, -1e-41f], Math.Tanh, maxUlp: 3);
        AssertExact<Tanh>((0f, 0f), (-0f, 0f), (float.PositiveInfinity, 1f), (float.NegativeInfinity, -1f), (float.NaN, float.NaN), (50f, 1f), (-1e30f, -1f));
    }

    [Fact]
    public void Erf_is_accurate_to_two_units_in_the_last_place()
    {
        AssertAccurate<Erf>([.. Range(-5f, 5f, 40_001), .. Range(-1e-3f, 1e-3f, 1001), 1e-30f], Reference64.Erf, maxUlp: 2);
        AssertExact<Erf>((0f, 0f), (-0f, -0f), (float.PositiveInfinity, 1f), (float.NegativeInfinity, -1f), (float.NaN, float.NaN), (4.5f, 1f), (-1e30f, -1f));
    }

    [Fact]
    public void Sigmoid_is_accurate_to_three_units_in_the_last_place()
    {
        AssertAccurate<Sigmoid>(Range(-87f, 40f, 40_001), x => 1 / (1 + Math.Exp(-x)), maxUlp: 3);
        AssertExact<Sigmoid>((0f, 0.5f), (-0f, 0.5f), (float.PositiveInfinity, 1f), (float.NegativeInfinity, 0f), (float.NaN, float.NaN), (-1e30f, 0f));
    }

    [Fact]
    public void The_double_precision_reference_of_erf_is_right()
    {
        // Abramowitz and Stegun, table 7.1.
        Assert.Equal(0.5204998778130465, Reference64.Erf(0.5), 1e-15);
        Assert.Equal(-0.8427007929497149, Reference64.Erf(-1), 1e-15);
        Assert.Equal(0.9953222650189527, Reference64.Erf(2), 1e-15);
        Assert.Equal(2.2090496998585441e-5, 1 - Reference64.Erf(3), 1e-15);
    }

    private static float[] Range(float from, float to, int count) =>
        [.. Enumerable.Range(0, count).Select(i => from + ((to - from) * i / (count - 1)))];

    private static void AssertAccurate<F>(float[] points, Func<double, double> reference, double maxUlp)
        where F : struct, IFunction
    {
        foreach (SimdWidth width in OpChecks.Widths)
        {
            float[] values = Evaluate<F>(points, width);
            for (int i = 0; i < points.Length; i++)
            {
                double expected = reference(points[i]);
                float magnitude = MathF.Max(MathF.Abs((float)expected), float.Epsilon);
                double ulp = MathF.BitIncrement(magnitude) - (double)magnitude;
                double error = Math.Abs(values[i] - expected) / ulp;
                Assert.True(error <= maxUlp, $"{typeof(F).Name}({points[i]:g9}) = {values[i]:g9} with {width}, expected {expected:g12}: {error:f2} ulp");
            }
        }
    }

    private static void AssertExact<F>(params (float X, float Y)[] cases)
        where F : struct, IFunction
    {
        foreach (SimdWidth width in OpChecks.Widths)
        {
            float[] values = Evaluate<F>([.. cases.Select(c => c.X)], width);
            for (int i = 0; i < cases.Length; i++)
            {
                Assert.True(
                    float.IsNaN(cases[i].Y) ? float.IsNaN(values[i]) : BitConverter.SingleToInt32Bits(values[i]) == BitConverter.SingleToInt32Bits(cases[i].Y),
                    $"{typeof(F).Name}({cases[i].X}) = {values[i]} with {width}, expected {cases[i].Y}");
            }
        }
    }

    private static float[] Evaluate<F>(float[] points, SimdWidth width)
        where F : struct, IFunction => width switch
    {
        SimdWidth.Bits512 => Evaluate<F, Simd512>(points),
        SimdWidth.Bits256 => Evaluate<F, Simd256>(points),
        SimdWidth.Bits128 => Evaluate<F, Simd128>(points),
        _ => Evaluate<F, Simd1>(points),
    };

    private static float[] Evaluate<F, V>(float[] points)
        where F : struct, IFunction
        where V : unmanaged, ISimd<V>
    {
        float[] padded = new float[(points.Length + 15) / 16 * 16];
        points.CopyTo(padded, 0);
        fixed (float* p = padded)
        {
            for (int i = 0; i < padded.Length; i += V.Count)
            {
                F.Value(V.Load(p + i)).Store(p + i);
            }
        }

        return padded[..points.Length];
    }

    private readonly struct Exp : IFunction
    {
        public static V Value<V>(V x)
            where V : unmanaged, ISimd<V> => SimdMath.Exp(x);
    }

    private readonly struct Exp2 : IFunction
    {
        public static V Value<V>(V x)
            where V : unmanaged, ISimd<V> => SimdMath.Exp2(x);
    }

    private readonly struct Log : IFunction
    {
        public static V Value<V>(V x)
            where V : unmanaged, ISimd<V> => SimdMath.Log(x);
    }

    private readonly struct Tanh : IFunction
    {
        public static V Value<V>(V x)
            where V : unmanaged, ISimd<V> => SimdMath.Tanh(x);
    }

    private readonly struct Erf : IFunction
    {
        public static V Value<V>(V x)
            where V : unmanaged, ISimd<V> => SimdMath.Erf(x);
    }

    private readonly struct Sigmoid : IFunction
    {
        public static V Value<V>(V x)
            where V : unmanaged, ISimd<V> => SimdMath.Sigmoid(x);
    }
}
