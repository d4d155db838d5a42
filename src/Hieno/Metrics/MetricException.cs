using Hieno.Formats;

namespace Hieno.Metrics;

/// <summary>Predictions cannot be measured: there are none, they are not numbers, or the metric needs another kind of them.</summary>
public sealed class MetricException : HienoException
{
    /// <summary>Builds the message <c>who: fact. advice.</c></summary>
    /// <param name="code">One of the HN19xx codes of <see cref="ErrorCodes"/>.</param>
    /// <param name="who">The metric or the kind of predictions.</param>
    /// <param name="fact">What was found.</param>
    /// <param name="advice">What to do about it.</param>
    public MetricException(string code, string who, string fact, string advice)
        : base(code, who, fact, advice)
    {
    }
}
