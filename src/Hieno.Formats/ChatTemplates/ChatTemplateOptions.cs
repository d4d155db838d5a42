using System.ComponentModel.DataAnnotations;

namespace Hieno.Formats.ChatTemplates;

/// <summary>Bounds for a template, which is untrusted data, and the clock it may read.</summary>
/// <remarks>The defaults are far above what a chat of a million tokens needs, and end a runaway template within seconds.</remarks>
public sealed record ChatTemplateOptions
{
    /// <summary>
    /// Units of work one render may use: a unit is one expression, statement, loop iteration or list element, or 16 characters
    /// of text built. Default 10 million.
    /// </summary>
    [Range(1, long.MaxValue)]
    public long MaxWork { get; init; } = 10_000_000;

    /// <summary>Nesting of expressions, blocks and macro calls, and of the values given to the template. Default 1,000.</summary>
    [Range(1, 10_000)]
    public int MaxDepth { get; init; } = 1_000;

    /// <summary>Longest text, in UTF-16 code units, that a render may build. Default 16 Mi.</summary>
    [Range(1, 1 << 30)]
    public int MaxTextLength { get; init; } = 1 << 24;

    /// <summary>The clock behind <c>strftime_now</c>, read in its local time zone. Default: the system's.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;
}
