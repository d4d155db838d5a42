using Hieno.Formats;

namespace Hieno.Metrics;

/// <summary>Predictions cannot be measured: there are none, they are not numbers, or the metric needs another kind of them.</summary>
public sealed class MetricException : HienoException
{
    /// <summary>Code: there is no row, or no target token, to measure.</summary>
    public const string Empty = "HN1701";

    /// <summary>Code: the metric needs another kind of predictions.</summary>
    public const string WrongKind = "HN1702";

    /// <summary>Code: a prediction, a score or a loss is not a number that can be measured.</summary>
    public const string NotFinite = "HN1703";

    /// <summary>Code: no metric has this name.</summary>
    public const string UnknownName = "HN1704";

    /// <summary>Builds the message <c>who: fact. advice.</c></summary>
    /// <param name="code">One of the codes of this class.</param>
    /// <param name="who">The metric or the kind of predictions.</param>
    /// <param name="fact">What was found.</param>
    /// <param name="advice">What to do about it.</param>
    public MetricException(string code, string who, string fact, string advice)
        : base(code, who, fact, advice)
    {
    }
}
