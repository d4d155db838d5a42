namespace Hieno.Benchmarks.Contest;

/// <summary>One timed step.</summary>
/// <param name="Seconds">Wall time.</param>
/// <param name="Clean">False where the rest of the machine held up the run, so that the time is not the step's own.</param>
internal readonly record struct Sample(double Seconds, bool Clean)
{
    private const double DisturbedShare = 0.03;

    /// <summary>Whether the rest of the machine held up a run of <paramref name="seconds"/> for less than 3 % of it.</summary>
    public static bool IsClean(double seconds, double disturbed) => disturbed < DisturbedShare * seconds;
}

/// <summary>The samples of one contestant. Only clean ones make figures; the others are counted.</summary>
internal sealed class Series
{
    private readonly List<double> _clean = [];

    /// <summary>Samples taken.</summary>
    public int Total { get; private set; }

    /// <summary>Clean samples among them.</summary>
    public int Clean => _clean.Count;

    /// <summary>Median of the clean samples in seconds.</summary>
    public double Median
    {
        get
        {
            double[] sorted = [.. _clean.Order()];
            int middle = sorted.Length / 2;
            return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
        }
    }

    /// <summary>The fastest clean sample in seconds.</summary>
    public double Best => _clean.Min();

    /// <summary>Adds a sample.</summary>
    public void Add(Sample sample)
    {
        Total++;
        if (sample.Clean)
        {
            _clean.Add(sample.Seconds);
        }
    }
}
