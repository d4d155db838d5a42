using Hieno.Tensors.Cpu;
using Hieno.Tensors.Cpu.Simd;

namespace Hieno.Tensors.Tests.Cpu.Simd;

public sealed unsafe class SimdTests
{
    // Ordinary numbers, borders and oddities; the length is a multiple of 16.
    private static readonly float[] s_values =
    [
        0f, -0f, 1f, -1f, 0.5f, -0.5f, 1.5f, -2.5f, 3.25f, 1e-3f, -7e5f, 123456.7f, 1e20f, -1e-20f, 2.5f, 3.5f,
        float.MaxValue, float.MinValue, float.Epsilon, -float.Epsilon, 1.17549435e-38f, 1e-40f, 8388609f, -8388607.5f,
        float.PositiveInfinity, float.NegativeInfinity, float.NaN, 0.1f, -0.3f, 7f, 65504f, 1.41421356f,
    ];

    [Fact]
    public void Every_width_computes_what_the_scalar_twin_does()
    {
        AssertSame<Simd128>(SimdWidth.Bits128);
        AssertSame<Simd256>(SimdWidth.Bits256);
        AssertSame<Simd512>(SimdWidth.Bits512);
    }

    [Fact]
    public void All_16_bit_numbers_are_loaded_as_the_singles_they_stand_for()
    {
        AssertLoads<Simd1>(SimdWidth.Scalar);
        AssertLoads<Simd128>(SimdWidth.Bits128);
        AssertLoads<Simd256>(SimdWidth.Bits256);
        AssertLoads<Simd512>(SimdWidth.Bits512);
    }

    [Fact]
    public void Sums_and_largest_lanes_take_all_lanes()
    {
        AssertReductions<Simd1>(SimdWidth.Scalar);
        AssertReductions<Simd128>(SimdWidth.Bits128);
        AssertReductions<Simd256>(SimdWidth.Bits256);
        AssertReductions<Simd512>(SimdWidth.Bits512);
    }

    [Fact]
    public void A_width_the_processor_lacks_is_refused()
    {
        if (CpuBackend.Widest < SimdWidth.Bits512)
        {
            Assert.Throws<PlatformNotSupportedException>(() => new CpuBackend(1, SimdWidth.Bits512));
        }

        using var backend = new CpuBackend(3, SimdWidth.Scalar);
        Assert.Equal((3, SimdWidth.Scalar, "cpu"), (backend.Threads, backend.Width, backend.Name));
    }

    private static void AssertSame<V>(SimdWidth width)
        where V : unmanaged, ISimd<V>
    {
        if (width > CpuBackend.Widest)
        {
            return;
        }

        Assert.Equal((int)width, V.Count);
        foreach (float other in s_values)
        {
            (string Name, float[] Expected, float[] Actual)[] pairs =
            [
                ("add", Map<Simd1>(x => x + Simd1.All(other)), Map<V>(x => x + V.All(other))),
                ("subtract", Map<Simd1>(x => x - Simd1.All(other)), Map<V>(x => x - V.All(other))),
                ("multiply", Map<Simd1>(x => x * Simd1.All(other)), Map<V>(x => x * V.All(other))),
                ("divide", Map<Simd1>(x => x / Simd1.All(other)), Map<V>(x => x / V.All(other))),
                ("fma", Map<Simd1>(x => Simd1.Fma(x, Simd1.All(other), Simd1.All(3f))), Map<V>(x => V.Fma(x, V.All(other), V.All(3f)))),
                ("less", Map<Simd1>(x => Simd1.SelectLess(x, Simd1.All(other), Simd1.All(1f), x)), Map<V>(x => V.SelectLess(x, V.All(other), V.All(1f), x))),
                ("max", Map<Simd1>(x => Simd1.Max(Simd1.All(other), x)), Map<V>(x => V.Max(V.All(other), x))),
                ("min", Map<Simd1>(x => Simd1.Min(Simd1.All(other), x)), Map<V>(x => V.Min(V.All(other), x))),
                ("abs", Map<Simd1>(Simd1.Abs), Map<V>(V.Abs)),
                ("sqrt", Map<Simd1>(Simd1.Sqrt), Map<V>(V.Sqrt)),
                ("round", Map<Simd1>(Simd1.Round), Map<V>(V.Round)),
                ("exponent", Map<Simd1>(x => Simd1.Exponent(Normal(x))), Map<V>(x => V.Exponent(Normal(x)))),
                ("zero", Map<Simd1>(_ => Simd1.Zero), Map<V>(_ => V.Zero)),
            ];
            foreach ((string name, float[] expected, float[] actual) in pairs)
            {
                for (int i = 0; i < expected.Length; i++)
                {
                    Assert.True(expected[i].Equals(actual[i]), $"{width} {name}({s_values[i]}, {other}) = {actual[i]}, scalar {expected[i]}");
                }
            }
        }

        foreach (int n in (int[])[0, 1, -1, 24, 127, 128, 200, -126, -127, -140, -150, -200])
        {
            float[] scaled = Map<V>(x => V.Scale(x, V.All(n)));
            for (int i = 0; i < scaled.Length; i++)
            {
                // A result that is subnormal may be rounded twice.
                float exact = (float)Math.ScaleB((double)s_values[i], n);
                Assert.True(exact.Equals(scaled[i]) || Math.Abs(exact - scaled[i]) <= float.Epsilon, $"{width} {s_values[i]} · 2^{n} = {scaled[i]}, expected {exact}");
            }
        }

        float[] indices = new float[V.Count];
        fixed (float* p = indices)
        {
            V.Indices.Store(p);
        }

        Assert.Equal(Enumerable.Range(0, V.Count).Select(i => (float)i), indices);
    }

    // Zero, subnormal numbers, infinities and NaN have no defined exponent.
    private static V Normal<V>(V x)
        where V : unmanaged, ISimd<V> =>
        V.SelectLess(V.Abs(x), V.All(1.17549435e-38f), V.All(1f), V.SelectLess(V.Abs(x), V.All(float.PositiveInfinity), x, V.All(1f)));

    private static float[] Map<V>(Func<V, V> function)
        where V : unmanaged, ISimd<V>
    {
        float[] results = new float[s_values.Length];
        fixed (float* from = s_values, to = results)
        {
            for (int i = 0; i < results.Length; i += V.Count)
            {
                function(V.Load(from + i)).Store(to + i);
            }
        }

        return results;
    }

    private static void AssertLoads<V>(SimdWidth width)
        where V : unmanaged, ISimd<V>
    {
        if (width > CpuBackend.Widest)
        {
            return;
        }

        ushort[] all = [.. Enumerable.Range(0, 65536).Select(i => (ushort)i), .. new ushort[16]];
        float[] wide = new float[65536];
        float[] half = new float[65536];
        fixed (ushort* from = all)
        fixed (float* w = wide, h = half)
        {
            for (int i = 0; i < 65536; i += V.Count)
            {
                V.LoadBF16(from + i).Store(w + i);
                V.LoadF16(from + i).Store(h + i);
            }
        }

        for (int i = 0; i < 65536; i++)
        {
            Assert.True(DTypes.FromBF16((ushort)i).Equals(wide[i]), $"{width}: bf16 0x{i:x4} is {wide[i]}");
            Assert.True(DTypes.FromF16((ushort)i).Equals(half[i]), $"{width}: f16 0x{i:x4} is {half[i]}");
        }
    }

    private static void AssertReductions<V>(SimdWidth width)
        where V : unmanaged, ISimd<V>
    {
        if (width > CpuBackend.Widest)
        {
            return;
        }

        for (int lane = 0; lane < V.Count; lane++)
        {
            float[] values = [.. Enumerable.Range(0, V.Count).Select(i => i == lane ? 100f : -i)];
            fixed (float* p = values)
            {
                Assert.Equal(values.Sum(), V.Sum(V.Load(p)));
                Assert.Equal(100f, V.MaxLane(V.Load(p)));
            }
        }
    }
}
