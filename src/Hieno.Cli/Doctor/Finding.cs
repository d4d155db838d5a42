namespace Hieno.Cli.Doctor;

/// <summary>How a finding is to be taken.</summary>
internal enum FindingState
{
    /// <summary>As it should be.</summary>
    Good,

    /// <summary>Works, but slower or with less room than it could.</summary>
    Slow,

    /// <summary>Results would be wrong, or a run would fail.</summary>
    Wrong,
}

/// <summary>One thing that was looked at.</summary>
/// <param name="Subject">What.</param>
/// <param name="State">How it is to be taken.</param>
/// <param name="Value">What was found.</param>
/// <param name="Advice">What to do; null where nothing is to be done.</param>
internal sealed record Finding(string Subject, FindingState State, string Value, string? Advice = null);
