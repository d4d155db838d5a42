namespace Hieno.Parity;

/// <summary>Logits against the reference's, only where a token stands: at most 30 times the reference's own rounding noise off.</summary>
internal static class LogitsCheck
{
    private const double NoiseFactor = 30;

    /// <summary>Compares the logits of all batches there are, read with all configurations there are.</summary>
    public static Measurement Run(Fixture fixture, Subject subject)
    {
        double largest = CompareBatches(fixture, subject);
        if (fixture.NewerConfig is { } config)
        {
            largest = Math.Max(largest, CompareBatches(fixture, Subject.Load(fixture, config)));
        }

        return new Measurement("logits", largest, Limit(fixture));
    }

    /// <summary>The largest difference allowed.</summary>
    public static double Limit(Fixture fixture) => NoiseFactor * fixture.LogitNoise;

    /// <summary>The largest difference from the reference's tensor <paramref name="name"/>.</summary>
    public static double Compare(Fixture fixture, float[] logits, FixtureBatch batch, TensorFile reference, string name)
    {
        float[] expected = reference.Floats(name);
        if (fixture.Task is FixtureTask.Classification or FixtureTask.ImageClassification)
        {
            return Difference.LargestAbsolute(logits, expected);
        }

        int[] shape = reference.ShapeOf(name);
        (int columns, int vocabulary) = (shape[1], shape[^1]);
        int virtuals = columns - batch.Width; // before each row the reference gives logits of virtual tokens as well
        float[] underMask = [.. batch.Places.SelectMany(place =>
            expected.AsSpan(((place / batch.Width * columns) + virtuals + (place % batch.Width)) * vocabulary, vocabulary).ToArray())];
        return Difference.LargestAbsolute(logits, underMask);
    }

    private static double CompareBatches(Fixture fixture, Subject subject)
    {
        double largest = Compare(fixture, subject.Logits(fixture.Batch), fixture.Batch, fixture.Expected, "eval.logits");
        return fixture.ShortBatch is { } batch
            ? Math.Max(largest, Compare(fixture, subject.Logits(batch), batch, fixture.Expected, "short.logits"))
            : largest;
    }
}
