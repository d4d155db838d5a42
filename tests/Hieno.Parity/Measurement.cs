namespace Hieno.Parity;

/// <summary>How far we are from the reference in one respect.</summary>
/// <param name="Check">What was compared.</param>
/// <param name="Value">The largest difference found, in the check's own measure.</param>
/// <param name="Limit">The largest one allowed.</param>
/// <param name="Where">The parameter that it was found in, where there are many.</param>
internal sealed record Measurement(string Check, double Value, double Limit, string? Where = null)
{
    /// <summary>True when the report says where the largest difference is even if it is small.</summary>
    public bool NamesPlace { get; init; }

    /// <summary>True when the difference is within the limit; NaN never is.</summary>
    public bool Passes => Value <= Limit;
}
