using System.Runtime.CompilerServices;
using Hieno.Tensors.Cpu.Simd;

namespace Hieno.Tensors.Cpu;

/// <summary>
/// Attention of a single query of one head, as in decoding: a product of a vector and a matrix, limited by reading keys and values once.
/// They are read where they lie; lanes run along the head's columns.
/// </summary>
internal readonly unsafe struct AttentionRow(float* memory, int width)
{
    /// <summary>Keys between two updates of the running softmax: their columns stay in the cache for the other heads that share them.</summary>
    public const int KeyBlock = 256;

    private readonly float* _scores = memory;
    private readonly float* _q = memory + KeyBlock;
    private readonly float* _output = memory + KeyBlock + width;
    private readonly float* _max = memory + KeyBlock + (2 * width);
    private readonly float* _sum = memory + KeyBlock + (2 * width) + 1;

    /// <summary>Singles of working memory.</summary>
    public static int Floats(int width) => KeyBlock + (2 * width) + 2;

    /// <summary>Takes the query and forgets all keys met before.</summary>
    public void Begin(float* query, float scale)
    {
        for (int d = 0; d < width; d++)
        {
            _q[d] = query[d] * scale;
        }

        new Span<float>(_output, width).Clear();
        (*_max, *_sum) = (float.MinValue, 0f);
    }

    /// <summary>
    /// Meets the next <paramref name="rows"/> keys, at most <see cref="KeyBlock"/>; the first lies so many keys from the query's last one, and
    /// each key's score is changed by its pair's number, where there are any, and by the slope times its distance.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Meet<V>(float* keys, long keyStride, float* values, long valueStride, int rows, float* pairs, (float Slope, int First) distance, float cap)
        where V : unmanaged, ISimd<V>
    {
        Scores<V>(keys, keyStride, rows);
        for (int row = 0; pairs != null && row < rows; row++)
        {
            _scores[row] += pairs[row];
        }

        for (int row = 0; distance.Slope != 0f && row < rows; row++)
        {
            _scores[row] += distance.Slope * (distance.First + row);
        }

        if (cap > 0f)
        {
            AttentionTiles.Cap<V>(_scores, rows, cap);
        }

        float before = *_max;
        float max = before;
        for (int row = 0; row < rows; row++)
        {
            max = _scores[row] > max || float.IsNaN(_scores[row]) ? _scores[row] : max;
        }

        *_sum = (*_sum * MathF.Exp(before - max)) + Exponentials<V>(rows, max);
        AddValues<V>(values, valueStride, rows, MathF.Exp(before - max));
        *_max = max;
    }

    /// <summary>Writes the output of the query; returns the logarithm of the softmax's denominator.</summary>
    public float Finish(float* y)
    {
        bool sawNothing = *_sum == 0f;
        float inverse = sawNothing ? 0f : 1f / *_sum;
        for (int d = 0; d < width; d++)
        {
            y[d] = _output[d] * inverse;
        }

        return sawNothing ? 0f : *_max + MathF.Log(*_sum);
    }

    // Four keys at a time, so that four sums run side by side and each vector of the query is loaded once for them.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Scores<V>(float* keys, long stride, int rows)
        where V : unmanaged, ISimd<V>
    {
        int whole = width - (width % V.Count);
        int row = 0;
        for (; row <= rows - 4; row += 4)
        {
            float* k0 = keys + (row * stride);
            float* k1 = k0 + stride;
            float* k2 = k1 + stride;
            float* k3 = k2 + stride;
            V s0 = V.Zero, s1 = V.Zero, s2 = V.Zero, s3 = V.Zero;
            for (int d = 0; d < whole; d += V.Count)
            {
                V q = V.Load(_q + d);
                s0 = V.Fma(q, V.Load(k0 + d), s0);
                s1 = V.Fma(q, V.Load(k1 + d), s1);
                s2 = V.Fma(q, V.Load(k2 + d), s2);
                s3 = V.Fma(q, V.Load(k3 + d), s3);
            }

            (float t0, float t1, float t2, float t3) = (V.Sum(s0), V.Sum(s1), V.Sum(s2), V.Sum(s3));
            for (int d = whole; d < width; d++)
            {
                t0 += _q[d] * k0[d];
                t1 += _q[d] * k1[d];
                t2 += _q[d] * k2[d];
                t3 += _q[d] * k3[d];
            }

            (_scores[row], _scores[row + 1], _scores[row + 2], _scores[row + 3]) = (t0, t1, t2, t3);
        }

        for (; row < rows; row++)
        {
            _scores[row] = AttentionProducts.Dot<V>(_q, keys + (row * stride), width);
        }
    }

    // Scores become exp(score − max); returns their sum. Behind the last key up to a whole vector they become 0.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private float Exponentials<V>(int rows, float max)
        where V : unmanaged, ISimd<V>
    {
        for (int row = rows; row % V.Count != 0; row++)
        {
            _scores[row] = float.NegativeInfinity;
        }

        V sums = V.Zero;
        for (int row = 0; row < rows; row += V.Count)
        {
            V p = SimdMath.Exp(V.Load(_scores + row) - V.All(max));
            p.Store(_scores + row);
            sums += p;
        }

        return V.Sum(sums);
    }

    // Output = output · shrink + Σ p·v, four vectors of columns at a time; they fill the cache lines that a row of values consists of.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void AddValues<V>(float* values, long stride, int rows, float shrink)
        where V : unmanaged, ISimd<V>
    {
        V shrinks = V.All(shrink);
        int d = 0;
        for (; d <= width - (4 * V.Count); d += 4 * V.Count)
        {
            float* to = _output + d;
            V s0 = V.Load(to) * shrinks;
            V s1 = V.Load(to + V.Count) * shrinks;
            V s2 = V.Load(to + (2 * V.Count)) * shrinks;
            V s3 = V.Load(to + (3 * V.Count)) * shrinks;
            float* v = values + d;
            for (int row = 0; row < rows; row++, v += stride)
            {
                V p = V.All(_scores[row]);
                s0 = V.Fma(p, V.Load(v), s0);
                s1 = V.Fma(p, V.Load(v + V.Count), s1);
                s2 = V.Fma(p, V.Load(v + (2 * V.Count)), s2);
                s3 = V.Fma(p, V.Load(v + (3 * V.Count)), s3);
            }

            s0.Store(to);
            s1.Store(to + V.Count);
            s2.Store(to + (2 * V.Count));
            s3.Store(to + (3 * V.Count));
        }

        for (; d <= width - V.Count; d += V.Count)
        {
            V sum = V.Load(_output + d) * shrinks;
            for (int row = 0; row < rows; row++)
            {
                sum = V.Fma(V.All(_scores[row]), V.Load(values + (row * stride) + d), sum);
            }

            sum.Store(_output + d);
        }

        for (; d < width; d++)
        {
            float sum = _output[d] * shrink;
            for (int row = 0; row < rows; row++)
            {
                sum = MathF.FusedMultiplyAdd(_scores[row], values[(row * stride) + d], sum);
            }

            _output[d] = sum;
        }
    }
}
