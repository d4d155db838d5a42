namespace Hieno.Tensors;

/// <summary>Cosines and sines of rotary position embeddings for positions 0, 1, 2, …; more are computed when a longer text comes.</summary>
/// <remarks>
/// Angles are taken in double precision, because position · frequency rounded to singles is off by a good part of a degree in long texts.
/// Safe to share between threads.
/// </remarks>
public sealed class RopeTable
{
    private const int FirstPositions = 256;

    private readonly Lock _lock = new();
    private readonly double[] _frequencies;
    private readonly double _attentionFactor;
    private readonly Backend _backend;
    private volatile Values? _values;

    /// <summary>Takes the inverse frequencies, one for each pair of rotated lanes.</summary>
    /// <param name="inverseFrequencies">Radians per position; see <see cref="RopeFrequencies"/>.</param>
    /// <param name="attentionFactor">Multiplies cosines and sines; 1 by default, above it under YaRN and LongRoPE.</param>
    /// <param name="backend">Where the numbers lie; the default backend when null.</param>
    /// <exception cref="ArgumentException">There are no frequencies, or a number is not finite.</exception>
    public RopeTable(ReadOnlySpan<double> inverseFrequencies, double attentionFactor = 1, Backend? backend = null)
    {
        _frequencies = inverseFrequencies.ToArray();
        if (_frequencies.Length == 0 || !Array.TrueForAll(_frequencies, double.IsFinite) || !double.IsFinite(attentionFactor))
        {
            throw new ArgumentException(
                $"RopeTable: {_frequencies.Length} frequencies and the attention factor {attentionFactor}. "
                + "Give at least one frequency, and finite numbers only.",
                nameof(inverseFrequencies));
        }

        (_attentionFactor, _backend) = (attentionFactor, backend ?? Backend.Default);
    }

    /// <summary>Rotated lanes of each head.</summary>
    public int Width => 2 * _frequencies.Length;

    /// <summary>Cosines and sines, each [positions or more, Width / 2], of at least the given number of positions.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="positions"/> is negative.</exception>
    internal Values AtLeast(int positions)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(positions);
        if (_values is { } known && known.Cos.Rows >= positions)
        {
            return known;
        }

        lock (_lock)
        {
            int before = _values?.Cos.Rows ?? 0;
            if (before < positions)
            {
                int count = (int)Math.Min(Array.MaxLength, Math.Max(positions, Math.Max(FirstPositions, 2L * before)));
                _values = Compute(count);
            }

            return _values!;
        }
    }

    private Values Compute(int positions)
    {
        int pairs = _frequencies.Length;
        var cos = Tensor.CreateLongLived([positions, pairs], DType.F32, _backend);
        var sin = Tensor.CreateLongLived([positions, pairs], DType.F32, _backend);
        float[] cosines = new float[checked(positions * pairs)];
        float[] sines = new float[cosines.Length];
        for (int position = 0; position < positions; position++)
        {
            for (int i = 0; i < pairs; i++)
            {
                (double s, double c) = Math.SinCos(position * _frequencies[i]);
                cosines[(position * pairs) + i] = (float)(c * _attentionFactor);
                sines[(position * pairs) + i] = (float)(s * _attentionFactor);
            }
        }

        _backend.CopyFromHost(cosines, cos);
        _backend.CopyFromHost(sines, sin);
        return new Values(cos, sin);
    }

    /// <summary>What the table held when an operation asked; it stays valid while the table grows.</summary>
    internal sealed record Values(Tensor Cos, Tensor Sin);
}
