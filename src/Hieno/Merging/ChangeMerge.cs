using Hieno.Tensors;

namespace Hieno.Merging;

/// <summary>Combines the changes τᵢ of one weight piece by piece, so that a weight of any size needs the memory of a piece only.</summary>
/// <remarks>
/// What counts as large depends on the whole weight. The k-th largest magnitude is found by counting instead of sorting: the bits of a
/// positive float sort like whole numbers, so a count of the upper 16 bits finds the bucket, and one of the lower 16 the number itself.
/// </remarks>
internal sealed class ChangeMerge
{
    /// <summary>Elements that are handled at once.</summary>
    public const int Piece = 1 << 16;

    private readonly MergeOptions _options;
    private readonly IReadOnlyList<double> _weights;
    private readonly Read _read;
    private readonly ulong[] _draws; // where each change's random numbers lie
    private readonly Cut[] _cuts;
    private readonly float[][] _pieces;

    /// <summary>Prepares to combine; a rule by magnitude reads every change twice here.</summary>
    /// <param name="options">The rule.</param>
    /// <param name="name">The weight's name: each draws its own random numbers.</param>
    /// <param name="count">How many elements it has.</param>
    /// <param name="weights">wᵢ.</param>
    /// <param name="read">Gives a piece of one change.</param>
    public ChangeMerge(MergeOptions options, string name, long count, IReadOnlyList<double> weights, Read read)
    {
        (_options, _weights, _read) = (options, weights, read);
        _draws = [.. weights.Select((_, i) => Position($"{i}.{name}"))];
        _pieces = [.. weights.Select(_ => new float[(int)Math.Min(Piece, count)])];
        _cuts = IsByMagnitude && options.Density < 1 ? [.. weights.Select((_, i) => FindCut(i, count))] : [];
    }

    /// <summary>Reads elements <paramref name="start"/> and on of change <paramref name="index"/>.</summary>
    public delegate void Read(int index, long start, Span<float> into);

    private bool IsByMagnitude => _options.Method is MergeMethod.MagnitudePrune or MergeMethod.Ties;

    private bool Elects => _options.Method is MergeMethod.Ties or MergeMethod.DareTies;

    /// <summary>The combined change, times λ, of elements <paramref name="start"/> and on. Pieces must be asked for in order, each once.</summary>
    public void Next(long start, Span<double> into)
    {
        for (int i = 0; i < _weights.Count; i++)
        {
            Span<float> values = _pieces[i].AsSpan(0, into.Length);
            _read(i, start, values);
            Thin(i, start, values);
        }

        for (int at = 0; at < into.Length; at++)
        {
            into[at] = _options.Scale * (Elects ? MeanOfAgreeing(at) : Sum(at));
        }
    }

    private void Thin(int index, long start, Span<float> values)
    {
        if (_cuts.Length > 0)
        {
            _cuts[index].Apply(values);
        }
        else if (_options.Method is MergeMethod.DareLinear or MergeMethod.DareTies)
        {
            var rng = new Rng(_options.Seed, RngStream.Dropout);
            float factor = (float)(1 / _options.Density); // so that the expected change stays what it was
            for (int i = 0; i < values.Length; i++)
            {
                values[i] = rng.Uniform(_draws[index], (ulong)(start + i)) < _options.Density ? values[i] * factor : 0;
            }
        }
    }

    private double Sum(int at)
    {
        double sum = 0;
        for (int i = 0; i < _weights.Count; i++)
        {
            sum += _weights[i] * _pieces[i][at];
        }

        return sum;
    }

    private double MeanOfAgreeing(int at)
    {
        double election = 0;
        for (int i = 0; i < _weights.Count; i++)
        {
            float value = _pieces[i][at];
            election += _options.Election == SignElection.Total ? value : Math.Sign(value);
        }

        (double sum, int count, int sign) = (0, 0, election >= 0 ? 1 : -1);
        for (int i = 0; i < _weights.Count; i++)
        {
            if (Math.Sign(_pieces[i][at]) == sign)
            {
                sum += _weights[i] * _pieces[i][at];
                count++;
            }
        }

        return sum / Math.Max(1, count);
    }

    private Cut FindCut(int index, long count)
    {
        long kept = (long)(_options.Density * count);
        long[] upper = Histogram(index, count, bits => bits >> 16, _ => true);
        (int bucket, long above) = Descend(upper, kept);
        long[] lower = Histogram(index, count, bits => bits & 0xFFFF, bits => bits >> 16 == bucket);
        (int rest, long aboveInBucket) = Descend(lower, kept - above);
        return new Cut(((uint)bucket << 16) | (uint)rest, kept - above - aboveInBucket);
    }

    private long[] Histogram(int index, long count, Func<uint, uint> bucketOf, Func<uint, bool> counts)
    {
        long[] histogram = new long[1 << 16];
        for (long start = 0; start < count; start += Piece)
        {
            Span<float> values = _pieces[index].AsSpan(0, (int)Math.Min(Piece, count - start));
            _read(index, start, values);
            foreach (float value in values)
            {
                uint bits = Magnitude(value);
                if (counts(bits))
                {
                    histogram[bucketOf(bits)]++;
                }
            }
        }

        return histogram;
    }

    // The bucket that the wanted-th largest falls into, and how many lie above it.
    private static (int Bucket, long Above) Descend(long[] histogram, long wanted)
    {
        (int bucket, long above) = (histogram.Length - 1, 0);
        while (bucket > 0 && above + histogram[bucket] < wanted)
        {
            above += histogram[bucket--];
        }

        return (bucket, above);
    }

    private static uint Magnitude(float value) => BitConverter.SingleToUInt32Bits(value) & 0x7FFFFFFF;

    // FNV-1a, 64 bits: spreads the names over the generator's step counter.
    private static ulong Position(string name) => name.Aggregate(14695981039346656037UL, (hash, c) => (hash ^ c) * 1099511628211);

    /// <summary>Keeps what is larger than the threshold, and of what equals it the first few.</summary>
    private sealed class Cut(uint threshold, long equals)
    {
        private long _equals = equals;

        public void Apply(Span<float> values)
        {
            foreach (ref float value in values)
            {
                uint bits = Magnitude(value);
                if (bits < threshold || (bits == threshold && --_equals < 0))
                {
                    value = 0;
                }
            }
        }
    }
}
