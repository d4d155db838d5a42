using System.ComponentModel.DataAnnotations;

namespace Hieno.Formats.Tracking;

/// <summary>When a <see cref="TensorBoardWriter"/> makes its events visible.</summary>
public sealed record TensorBoardOptions
{
    /// <summary>Events that may wait in memory. Default 10.</summary>
    [Range(1, int.MaxValue)]
    public int FlushEvents { get; init; } = 10;

    /// <summary>How long an event may wait until a later one flushes it. Default 2 minutes.</summary>
    public TimeSpan FlushInterval { get; init; } = TimeSpan.FromMinutes(2);
}
