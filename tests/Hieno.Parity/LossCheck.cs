using Hieno.Tensors;

namespace Hieno.Parity;

/// <summary>The loss against the reference's: at most 1e-5 of it off.</summary>
internal static class LossCheck
{
    private const double RelativeLimit = 1e-5;

    /// <summary>Compares the losses of both batches, or of the one there is.</summary>
    public static Measurement Run(Fixture fixture, Subject subject)
    {
        double largest = Compare(subject, fixture.Batch, fixture.Expected.Floats("eval.loss")[0]);
        if (fixture.ShortBatch is { } batch)
        {
            largest = Math.Max(largest, Compare(subject, batch, fixture.Expected.Floats("short.loss")[0]));
        }

        if (fixture.TrainsOnBatches)
        {
            largest = Math.Max(largest, Compare(subject, fixture.Batch, fixture.Expected.Floats("train.loss")[0], isTraining: true));
        }

        return Measure("loss", largest);
    }

    /// <summary>A difference found elsewhere, under the same limit.</summary>
    public static Measurement Measure(string check, double relative) => new(check, relative, RelativeLimit);

    /// <summary>How far our loss is off, as a part of the reference's.</summary>
    public static double Compare(Subject subject, FixtureBatch batch, float expected, bool isTraining = false)
    {
        using Tape tape = Subject.Begin(record: false, isTraining);
        return Math.Abs(subject.Loss(batch).Item() + (subject.Rule?.AddGradient() ?? 0) - expected) / Math.Abs(expected);
    }
}
