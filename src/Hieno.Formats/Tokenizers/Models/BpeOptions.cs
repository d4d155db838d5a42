namespace Hieno.Formats.Tokenizers.Models;

/// <summary>Settings of <see cref="BpeModel"/>.</summary>
internal sealed record BpeOptions
{
    /// <summary>Share of merges that training drops at random; kept for the file, encoding here never drops any.</summary>
    public double? Dropout { get; init; }

    /// <summary>Token for characters that the vocabulary lacks; null drops them.</summary>
    public string? UnknownToken { get; init; }

    /// <summary>Put in front of every character of a word but the first before it is looked up.</summary>
    public string? ContinuingSubwordPrefix { get; init; }

    /// <summary>Put behind the last character of a word before it is looked up.</summary>
    public string? EndOfWordSuffix { get; init; }

    /// <summary>Makes one token of neighbouring unknown characters.</summary>
    public bool FuseUnknown { get; init; }

    /// <summary>Writes unknown characters as <c>&lt;0xNN&gt;</c> tokens, one a byte, where the vocabulary has all of them.</summary>
    public bool ByteFallback { get; init; }

    /// <summary>Takes a whole piece for a token if the vocabulary has it, without looking at merges.</summary>
    public bool IgnoreMerges { get; init; }
}
