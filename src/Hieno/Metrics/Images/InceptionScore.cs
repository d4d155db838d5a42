using Hieno.Formats;

namespace Hieno.Metrics.Images;

/// <summary>An inception score: the mean over parts of the pictures, and how far the parts lie apart.</summary>
/// <param name="Classifier">The network whose probabilities were taken.</param>
/// <param name="Mean">From 1 (all pictures look alike, or like nothing) to the number of classes.</param>
/// <param name="Deviation">The deviation of the parts' scores, over their number.</param>
/// <param name="Parts">Number of parts.</param>
public sealed record InceptionScoreResult(string Classifier, double Mean, double Deviation, int Parts);

/// <summary>
/// How sure a classifier is of each picture and how many different things it sees in all of them: exp of the mean divergence of p(y | x) from its mean p(y).
/// </summary>
/// <remarks>
/// Salimans et al. 2016, <see href="https://arxiv.org/abs/1606.03498"/>, section 4; as their code does it, over ten consecutive parts. The customary classifier is Inception-v3 on
/// 50,000 pictures; with another one it is another number, so its name belongs to it.
/// </remarks>
public static class InceptionScore
{
    /// <summary>Computes the score.</summary>
    /// <param name="classifier">The network's name, as every output must show it.</param>
    /// <param name="probabilities">p(y | x), [pictures, classes]; rows that add up to 1.</param>
    /// <param name="classes">Number of classes, at least 1.</param>
    /// <param name="parts">How many parts, each of ⌊N / parts⌋ or one more pictures in their order. Default 10.</param>
    /// <exception cref="MetricException">There are fewer pictures than parts, or a number is no probability.</exception>
    public static InceptionScoreResult Compute(string classifier, float[] probabilities, int classes, int parts = 10)
    {
        ArgumentNullException.ThrowIfNull(probabilities);
        ArgumentOutOfRangeException.ThrowIfLessThan(classes, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(parts, 1);
        int count = probabilities.Length / classes;
        if (count < parts)
        {
            throw new MetricException(ErrorCodes.MetricEmpty, "inception-score", $"there are {count} pictures for {parts} parts", "Give more pictures, or ask for fewer parts");
        }

        int wrong = Array.FindIndex(probabilities, p => !(p is >= 0 and <= 1.000001f));
        if (wrong >= 0)
        {
            throw new MetricException(ErrorCodes.MetricNotFinite, "inception-score", $"the probability of class {wrong % classes} of picture {wrong / classes} is {probabilities[wrong]}", "Give the output of a softmax");
        }

        double[] scores = [.. Enumerable.Range(0, parts).Select(part =>
            Score(probabilities.AsSpan((int)((long)count * part / parts) * classes, (int)(((long)count * (part + 1) / parts) - ((long)count * part / parts)) * classes), classes))];
        double mean = scores.Average();
        return new InceptionScoreResult(classifier, mean, Math.Sqrt(scores.Average(score => (score - mean) * (score - mean))), parts);
    }

    private static double Score(ReadOnlySpan<float> rows, int classes)
    {
        int count = rows.Length / classes;
        double[] overall = new double[classes];
        for (int i = 0; i < rows.Length; i++)
        {
            overall[i % classes] += (double)rows[i] / count;
        }

        double divergence = 0;
        for (int i = 0; i < rows.Length; i++)
        {
            divergence += rows[i] > 0 ? rows[i] * (Math.Log(rows[i]) - Math.Log(overall[i % classes])) : 0; // p ln p is 0 at p = 0
        }

        return Math.Exp(divergence / count);
    }
}
