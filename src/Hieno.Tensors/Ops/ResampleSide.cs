namespace Hieno.Tensors;

/// <summary>What each place along one side of an interpolated picture reads of the side it is made from: a run of pixels, each with a weight.</summary>
/// <remarks>
/// Names and formulas are those of PyTorch's <c>interpolate</c>. <c>step</c> is the distance in pixels from one place to the next, 1 / scale_factor;
/// by default length / places, so that both sides cover each other.
/// </remarks>
public sealed class ResampleSide
{
    private readonly int[] _first;
    private readonly int[] _count;
    private readonly int[] _start;
    private readonly float[] _weights;
    private ResampleSide? _transposed;

    private ResampleSide(int length, int[] first, double[][] weights)
    {
        Length = length;
        _first = first;
        _count = Array.ConvertAll(weights, run => run.Length);
        _start = new int[first.Length];
        for (int place = 1; place < first.Length; place++)
        {
            _start[place] = _start[place - 1] + _count[place - 1];
        }

        _weights = [.. weights.SelectMany(run => run.Select(weight => (float)weight))];
    }

    /// <summary>Pixels along the side that is read.</summary>
    public int Length { get; }

    /// <summary>Pixels along the side that is made.</summary>
    public int Places => _first.Length;

    /// <summary>The first pixel that each place reads.</summary>
    public ReadOnlySpan<int> First => _first;

    /// <summary>How many pixels each place reads.</summary>
    public ReadOnlySpan<int> Count => _count;

    /// <summary>The other way: what each pixel hands back of the gradients of places.</summary>
    public ResampleSide Transposed => _transposed ??= Transpose();

    /// <summary>The weights of the pixels that a place reads.</summary>
    public ReadOnlySpan<float> Weights(int place) => _weights.AsSpan(_start[place], _count[place]);

    /// <summary>One pixel for each place: the one at ⌊i · step⌋.</summary>
    /// <param name="length">Pixels along the side that is read.</param>
    /// <param name="places">Pixels along the side that is made.</param>
    /// <param name="step">See the remarks of this class.</param>
    public static ResampleSide Nearest(int length, int places, double? step = null) => Pick(length, places, step, shift: 0);

    /// <summary>One pixel for each place: the one in which the place's middle lies, ⌊(i + ½) · step⌋.</summary>
    /// <param name="length">Pixels along the side that is read.</param>
    /// <param name="places">Pixels along the side that is made.</param>
    /// <param name="step">See the remarks of this class.</param>
    public static ResampleSide NearestExact(int length, int places, double? step = null) => Pick(length, places, step, shift: 0.5);

    /// <summary>The mean of all pixels that a place touches.</summary>
    /// <param name="length">Pixels along the side that is read.</param>
    /// <param name="places">Pixels along the side that is made.</param>
    public static ResampleSide Area(int length, int places)
    {
        var windows = PoolSide.Adaptive(length, places);
        return new ResampleSide(length, windows.First.ToArray(), Array.ConvertAll(windows.Count.ToArray(), count => Enumerable.Repeat(1.0 / count, count).ToArray()));
    }

    /// <summary>Between the two pixels on either side, in proportion to the distance from them.</summary>
    /// <param name="length">Pixels along the side that is read.</param>
    /// <param name="places">Pixels along the side that is made.</param>
    /// <param name="alignCorners">True: the outermost places lie on the outermost pixels. False (default): their outer edges meet.</param>
    /// <param name="step">See the remarks of this class; not together with <paramref name="alignCorners"/>.</param>
    public static ResampleSide Linear(int length, int places, bool alignCorners = false, double? step = null) =>
        Blend(length, places, alignCorners, step, reach: 1, offset => 1 - Math.Abs(offset));

    /// <summary>Through four pixels by Keys' cubic with a = −¾.</summary>
    /// <param name="length">Pixels along the side that is read.</param>
    /// <param name="places">Pixels along the side that is made.</param>
    /// <param name="alignCorners">As for <see cref="Linear"/>.</param>
    /// <param name="step">As for <see cref="Linear"/>.</param>
    /// <remarks>Keys 1981, IEEE Trans. ASSP 29 (6), equation 15.</remarks>
    public static ResampleSide Cubic(int length, int places, bool alignCorners = false, double? step = null) =>
        Blend(length, places, alignCorners, step, reach: 2, offset => Keys(offset, -0.75));

    /// <summary><see cref="Linear"/> whose filter widens as pictures shrink, so that every pixel counts.</summary>
    /// <param name="length">Pixels along the side that is read.</param>
    /// <param name="places">Pixels along the side that is made.</param>
    public static ResampleSide AntialiasedLinear(int length, int places) => Widen(length, places, reach: 1, offset => Math.Max(0, 1 - Math.Abs(offset)));

    /// <summary>Keys' cubic with a = −½, as Pillow has it, whose filter widens as pictures shrink.</summary>
    /// <param name="length">Pixels along the side that is read.</param>
    /// <param name="places">Pixels along the side that is made.</param>
    public static ResampleSide AntialiasedCubic(int length, int places) => Widen(length, places, reach: 2, offset => Keys(offset, -0.5));

    private static ResampleSide Pick(int length, int places, double? step, double shift)
    {
        double distance = StepOf(length, places, step);
        int[] first = [.. Enumerable.Range(0, places).Select(i => Math.Min((int)((i + shift) * distance), length - 1))];
        return new ResampleSide(length, first, Array.ConvertAll(first, _ => (double[])[1]));
    }

    // The 2·reach pixels around a position; those beyond the ends are the outermost ones again.
    private static ResampleSide Blend(int length, int places, bool alignCorners, double? step, int reach, Func<double, double> filter)
    {
        double distance = StepOf(length, places, step);
        ShapeException.ThrowUnless(!alignCorners || step is null, "corners cannot be aligned at a given step.", nameof(ResampleSide));
        (int[] first, double[][] weights) = (new int[places], new double[places][]);
        for (int place = 0; place < places; place++)
        {
            double aligned = places == 1 ? 0 : (double)place * (length - 1) / (places - 1);
            double position = alignCorners ? aligned : ((place + 0.5) * distance) - 0.5;
            int below = (int)Math.Floor(position);
            first[place] = Math.Clamp(below - reach + 1, 0, length - 1);
            weights[place] = new double[Math.Clamp(below + reach, 0, length - 1) - first[place] + 1];
            for (int pixel = below - reach + 1; pixel <= below + reach; pixel++)
            {
                weights[place][Math.Clamp(pixel, 0, length - 1) - first[place]] += filter(position - pixel);
            }
        }

        return new ResampleSide(length, first, weights);
    }

    private static ResampleSide Widen(int length, int places, int reach, Func<double, double> filter)
    {
        double distance = StepOf(length, places, null);
        double stretch = Math.Max(distance, 1);
        (int[] first, double[][] weights) = (new int[places], new double[places][]);
        for (int place = 0; place < places; place++)
        {
            double middle = (place + 0.5) * distance;
            first[place] = Math.Max((int)(middle - (reach * stretch) + 0.5), 0);
            int end = Math.Min((int)(middle + (reach * stretch) + 0.5), length);
            double[] run = [.. Enumerable.Range(first[place], end - first[place]).Select(pixel => filter((pixel + 0.5 - middle) / stretch))];
            double sum = run.Sum();
            weights[place] = Array.ConvertAll(run, weight => weight / sum);
        }

        return new ResampleSide(length, first, weights);
    }

    private static double StepOf(int length, int places, double? step)
    {
        ShapeException.ThrowUnless(length > 0 && places > 0, $"{places} places cannot be made of {length} pixels.", nameof(ResampleSide));
        ShapeException.ThrowUnless(step is null or > 0, $"the step is {step}; it must be more than 0.", nameof(ResampleSide));
        return step ?? ((double)length / places);
    }

    private static double Keys(double offset, double a)
    {
        double x = Math.Abs(offset);
        return x < 1 ? ((((a + 2) * x) - (a + 3)) * x * x) + 1
            : x < 2 ? ((((x - 5) * x) + 8) * x - 4) * a
            : 0;
    }

    private ResampleSide Transpose()
    {
        var readers = new List<(int Place, double Weight)>[Length];
        for (int place = 0; place < Places; place++)
        {
            for (int i = 0; i < _count[place]; i++)
            {
                (readers[_first[place] + i] ??= []).Add((place, _weights[_start[place] + i]));
            }
        }

        int[] first = Array.ConvertAll(readers, list => list is null ? 0 : list[0].Place);
        double[][] weights = new double[Length][];
        for (int pixel = 0; pixel < Length; pixel++)
        {
            weights[pixel] = readers[pixel] is { } list ? new double[list[^1].Place - first[pixel] + 1] : [];
            readers[pixel]?.ForEach(reader => weights[pixel][reader.Place - first[pixel]] = reader.Weight);
        }

        return new ResampleSide(Places, first, weights) { _transposed = this };
    }
}
