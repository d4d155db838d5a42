using System.Runtime.CompilerServices;
using Hieno.Tensors.Cpu.Simd;

namespace Hieno.Tensors.Cpu;

/// <summary>An activation function and its derivative, lane by lane: a type of its own, so that kernels are compiled for it.</summary>
internal interface IActivation
{
    /// <summary>act(x).</summary>
    static abstract V Value<V>(V x)
        where V : unmanaged, ISimd<V>;

    /// <summary>act′(x); at a kink the derivative on its left, as is usual.</summary>
    static abstract V Slope<V>(V x)
        where V : unmanaged, ISimd<V>;
}

/// <summary>Something to be done with an activation function that is known at run time only.</summary>
internal interface IWithActivation
{
    /// <summary>Does it with the function <typeparamref name="A"/>.</summary>
    void Run<A>()
        where A : struct, IActivation;
}

/// <summary>The functions of <see cref="Activation"/>. Comparisons and limits stand so that a NaN gets through.</summary>
internal static class CpuActivations
{
    private const float InverseSqrt2 = 0.70710678f;
    private const float InverseSqrt2Pi = 0.39894228f;

    /// <summary>Calls <paramref name="body"/> with the type that computes <paramref name="kind"/>.</summary>
    public static void With<TBody>(Activation kind, TBody body)
        where TBody : struct, IWithActivation
    {
        switch (kind)
        {
            case Activation.Identity: body.Run<Identity>(); break;
            case Activation.Relu: body.Run<Relu>(); break;
            case Activation.Relu2: body.Run<Relu2>(); break;
            case Activation.Relu6: body.Run<Relu6>(); break;
            case Activation.LeakyRelu: body.Run<LeakyRelu>(); break;
            case Activation.LeakyReluTenth: body.Run<LeakyReluTenth>(); break;
            case Activation.Gelu: body.Run<Gelu>(); break;
            case Activation.GeluTanh: body.Run<GeluTanh>(); break;
            case Activation.Gelu10: body.Run<Gelu10>(); break;
            case Activation.QuickGelu: body.Run<QuickGelu>(); break;
            case Activation.Silu: body.Run<Silu>(); break;
            case Activation.Mish: body.Run<Mish>(); break;
            case Activation.Sigmoid: body.Run<Sigmoid>(); break;
            case Activation.Tanh: body.Run<Tanh>(); break;
            case Activation.Laplace: body.Run<Laplace>(); break;
            default: throw new ArgumentOutOfRangeException(nameof(kind), kind, "This activation has no kernel.");
        }
    }

    internal readonly struct Identity : IActivation
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Value<V>(V x)
            where V : unmanaged, ISimd<V> => x;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Slope<V>(V x)
            where V : unmanaged, ISimd<V> => V.All(1f);
    }

    internal readonly struct Relu : IActivation
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Value<V>(V x)
            where V : unmanaged, ISimd<V> => V.Max(V.Zero, x);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Slope<V>(V x)
            where V : unmanaged, ISimd<V> => V.SelectLess(V.Zero, x, V.All(1f), V.Zero);
    }

    internal readonly struct Relu2 : IActivation
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Value<V>(V x)
            where V : unmanaged, ISimd<V>
        {
            V positive = V.Max(V.Zero, x);
            return positive * positive;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Slope<V>(V x)
            where V : unmanaged, ISimd<V>
        {
            V positive = V.Max(V.Zero, x);
            return positive + positive;
        }
    }

    internal readonly struct Relu6 : IActivation
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Value<V>(V x)
            where V : unmanaged, ISimd<V> => V.Min(V.All(6f), V.Max(V.Zero, x));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Slope<V>(V x)
            where V : unmanaged, ISimd<V> => V.SelectLess(V.Zero, x, V.SelectLess(x, V.All(6f), V.All(1f), V.Zero), V.Zero);
    }

    internal readonly struct LeakyRelu : IActivation
    {
        private const float Leak = 0.01f;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Value<V>(V x)
            where V : unmanaged, ISimd<V> => V.SelectLess(V.Zero, x, x, x * V.All(Leak));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Slope<V>(V x)
            where V : unmanaged, ISimd<V> => V.SelectLess(V.Zero, x, V.All(1f), V.All(Leak));
    }

    internal readonly struct LeakyReluTenth : IActivation
    {
        private const float Leak = 0.1f;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Value<V>(V x)
            where V : unmanaged, ISimd<V> => V.SelectLess(V.Zero, x, x, x * V.All(Leak));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Slope<V>(V x)
            where V : unmanaged, ISimd<V> => V.SelectLess(V.Zero, x, V.All(1f), V.All(Leak));
    }

    // With t = |x| and the normal distribution Φ: x·Φ(x) = max(0, x) − t·Φ(−t), so that no sign need be looked at.
    internal readonly struct Gelu : IActivation
    {
        private const float Farthest = 15f; // Φ(−15) is 0 in single precision; the limit keeps ∞ · 0 out

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Value<V>(V x)
            where V : unmanaged, ISimd<V>
        {
            V t = V.Min(V.All(Farthest), V.Abs(x));
            return V.Max(V.Zero, x) - (t * Tail(t, Bell(t)));
        }

        // (x·Φ(x))′ = Φ(x) + x·φ(x) with the normal density φ: the exponential serves both.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Slope<V>(V x)
            where V : unmanaged, ISimd<V>
        {
            V t = V.Min(V.All(Farthest), V.Abs(x));
            V bell = Bell(t);
            V below = Tail(t, bell) - (t * (bell * V.All(InverseSqrt2Pi))); // the slope at −t; that at t is 1 less it
            return V.SelectLess(x, V.Zero, below, V.All(1f) - below);
        }

        // exp(−t²/2), the density without its constant, as a power of two: the factor is −½·log₂e.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static V Bell<V>(V t)
            where V : unmanaged, ISimd<V> => SimdMath.Exp2(t * t * V.All(-0.721347520f));

        // Φ(−t) = exp(−t²/2)·u·P(u) for t ≥ 0 with u = 1 / (1 + 0.335·t): the form of Abramowitz and Stegun, formula 26.2.17, with P of
        // degree 6 fitted anew (relative error 3.5e-8 before rounding).
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static V Tail<V>(V t, V bell)
            where V : unmanaged, ISimd<V>
        {
            V one = V.All(1f);
            V u = one / V.Fma(t, V.All(0.335f), one);
            V p = V.All(0.0463833192f);
            p = V.Fma(p, u, V.All(-0.215506258f));
            p = V.Fma(p, u, V.All(0.305458089f));
            p = V.Fma(p, u, V.All(-0.0664211008f));
            p = V.Fma(p, u, V.All(0.171853189f));
            p = V.Fma(p, u, V.All(0.123831686f));
            p = V.Fma(p, u, V.All(0.134401093f));
            return bell * u * p;
        }
    }

    // ½(1 + tanh u) = σ(2u): one exponential and one division. Constants: 2√(2/π) and that times 0.044715.
    internal readonly struct GeluTanh : IActivation
    {
        private const float Linear = 1.5957691216f;
        private const float Cubic = 0.0713548162726f;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Value<V>(V x)
            where V : unmanaged, ISimd<V> => x * SimdMath.Sigmoid(x * V.Fma(x * x, V.All(Cubic), V.All(Linear)));

        // With s = σ(w), w = a·x + b·x³: (x·s)′ = s + x·s·(1 − s)·(a + 3b·x²).
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Slope<V>(V x)
            where V : unmanaged, ISimd<V>
        {
            V square = x * x;
            V s = SimdMath.Sigmoid(x * V.Fma(square, V.All(Cubic), V.All(Linear)));
            V inner = V.Fma(square, V.All(3 * Cubic), V.All(Linear));
            return V.Fma(x * s * (V.All(1f) - s), inner, s);
        }
    }

    internal readonly struct Gelu10 : IActivation
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Value<V>(V x)
            where V : unmanaged, ISimd<V> => V.Min(V.All(10f), V.Max(V.All(-10f), Gelu.Value(x)));

        // The lower limit is never met; the upper one is passed where x > 10.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Slope<V>(V x)
            where V : unmanaged, ISimd<V> => V.SelectLess(V.All(10f), Gelu.Value(x), V.Zero, Gelu.Slope(x));
    }

    internal readonly struct QuickGelu : IActivation
    {
        private const float Steepness = 1.702f;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Value<V>(V x)
            where V : unmanaged, ISimd<V> => x * SimdMath.Sigmoid(x * V.All(Steepness));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Slope<V>(V x)
            where V : unmanaged, ISimd<V>
        {
            V s = SimdMath.Sigmoid(x * V.All(Steepness));
            return V.Fma(x * V.All(Steepness) * s, V.All(1f) - s, s);
        }
    }

    internal readonly struct Silu : IActivation
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Value<V>(V x)
            where V : unmanaged, ISimd<V> => x * SimdMath.Sigmoid(x);

        // (x·s)′ = s + x·s·(1 − s).
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Slope<V>(V x)
            where V : unmanaged, ISimd<V>
        {
            V s = SimdMath.Sigmoid(x);
            return V.Fma(x * s, V.All(1f) - s, s);
        }
    }

    // With e = eˣ and n = e·(e + 2), tanh(ln(1 + e)) = n / (n + 2): no logarithm. From x = 20 on it is 1 in single precision.
    internal readonly struct Mish : IActivation
    {
        private const float Straight = 20f;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Value<V>(V x)
            where V : unmanaged, ISimd<V>
        {
            V e = SimdMath.Exp(V.Min(V.All(Straight), x));
            V n = e * (e + V.All(2f));
            return x * (n / (n + V.All(2f)));
        }

        // (x·t)′ = t + x·(1 − t²)·σ(x), and (1 − t²)·σ(x) = 4·e·(1 + e) / (n + 2)².
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Slope<V>(V x)
            where V : unmanaged, ISimd<V>
        {
            V e = SimdMath.Exp(V.Min(V.All(Straight), x));
            V n = e * (e + V.All(2f));
            V d = n + V.All(2f);
            V slope = V.Fma(x, V.All(4f) * e * (V.All(1f) + e) / (d * d), n / d);
            return V.SelectLess(V.All(Straight), x, V.All(1f), slope);
        }
    }

    internal readonly struct Sigmoid : IActivation
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Value<V>(V x)
            where V : unmanaged, ISimd<V> => SimdMath.Sigmoid(x);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Slope<V>(V x)
            where V : unmanaged, ISimd<V>
        {
            V s = SimdMath.Sigmoid(x);
            return s * (V.All(1f) - s);
        }
    }

    internal readonly struct Tanh : IActivation
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Value<V>(V x)
            where V : unmanaged, ISimd<V> => SimdMath.Tanh(x);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Slope<V>(V x)
            where V : unmanaged, ISimd<V>
        {
            V t = SimdMath.Tanh(x);
            return V.All(1f) - (t * t);
        }
    }

    internal readonly struct Laplace : IActivation
    {
        private const float Mean = 0.707107f;
        private const float Deviation = 0.282095f;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Value<V>(V x)
            where V : unmanaged, ISimd<V> =>
            V.Fma(SimdMath.Erf((x - V.All(Mean)) * V.All(InverseSqrt2 / Deviation)), V.All(0.5f), V.All(0.5f));

        // The normal density with this mean and deviation.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Slope<V>(V x)
            where V : unmanaged, ISimd<V>
        {
            V z = (x - V.All(Mean)) * V.All(1f / Deviation);
            return SimdMath.Exp(z * z * V.All(-0.5f)) * V.All(InverseSqrt2Pi / Deviation);
        }
    }
}
