namespace Hieno.Formats.Tokenizers;

/// <summary>A token that is found in the text before any other splitting, such as <c>&lt;|endoftext|&gt;</c>.</summary>
/// <param name="Content">The text of the token.</param>
public sealed record AddedToken(string Content)
{
    /// <summary>Matches only where no word character touches either side. Default false.</summary>
    public bool SingleWord { get; init; }

    /// <summary>Takes the white space on the left of a match into the token. Default false.</summary>
    public bool LStrip { get; init; }

    /// <summary>Takes the white space on the right of a match into the token. Default false.</summary>
    public bool RStrip { get; init; }

    /// <summary>Is looked for in the normalized text rather than in the text as given. Default false.</summary>
    public bool Normalized { get; init; }

    /// <summary>Is left out when decoding skips special tokens. Default true.</summary>
    public bool Special { get; init; } = true;

    internal static AddedToken Read(JsonPart json) => new(json.String("content"))
    {
        SingleWord = json.Bool("single_word", false),
        LStrip = json.Bool("lstrip", false),
        RStrip = json.Bool("rstrip", false),
        Normalized = json.Bool("normalized", !json.Bool("special", false)),
        Special = json.Bool("special", false),
    };
}
