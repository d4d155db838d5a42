namespace Hieno.Parity;

/// <summary>Measures of the difference between two lists of numbers. A NaN on either side gives NaN.</summary>
internal static class Difference
{
    /// <summary>max |a − b|.</summary>
    public static double LargestAbsolute(ReadOnlySpan<float> actual, ReadOnlySpan<float> expected)
    {
        ThrowUnlessSameCount(actual, expected);
        double largest = 0;
        for (int i = 0; i < actual.Length; i++)
        {
            largest = Math.Max(largest, Math.Abs((double)actual[i] - expected[i]));
        }

        return largest;
    }

    /// <summary>|a − b| / |b| in the Frobenius norm.</summary>
    public static double RelativeFrobenius(ReadOnlySpan<float> actual, ReadOnlySpan<float> expected)
    {
        ThrowUnlessSameCount(actual, expected);
        double squares = 0;
        for (int i = 0; i < actual.Length; i++)
        {
            double difference = (double)actual[i] - expected[i];
            squares += difference * difference;
        }

        return Math.Sqrt(squares) / Norm(expected);
    }

    /// <summary>The Frobenius norm.</summary>
    public static double Norm(ReadOnlySpan<float> values)
    {
        double squares = 0;
        foreach (float value in values)
        {
            squares += (double)value * value;
        }

        return Math.Sqrt(squares);
    }

    private static void ThrowUnlessSameCount(ReadOnlySpan<float> actual, ReadOnlySpan<float> expected)
    {
        if (actual.Length != expected.Length)
        {
            throw new FixtureException($"There are {actual.Length} numbers where the reference has {expected.Length}.");
        }
    }
}
