namespace Hieno.Parity;

/// <summary>A folder of reference values is not what it should be.</summary>
internal sealed class FixtureException(string message) : Exception(message);
