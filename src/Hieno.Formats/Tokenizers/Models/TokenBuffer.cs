namespace Hieno.Formats.Tokenizers.Models;

/// <summary>Collects the tokens of a text and puts their ranges back into the original.</summary>
internal sealed class TokenBuffer(AlignedText text)
{
    private int _pieceStart;
    private int _word;

    public List<int> Ids { get; } = [];

    public List<TextRange> Offsets { get; } = [];

    public List<int> Words { get; } = [];

    /// <summary>Texts of tokens that differ from the vocabulary's, by position: pieces that Unigram does not know keep their text.</summary>
    public Dictionary<int, string> OwnTexts { get; } = [];

    /// <summary>Says which piece the next tokens belong to.</summary>
    public void StartPiece(int start, int word)
    {
        (_pieceStart, _word) = (start, word);
    }

    /// <summary>Adds a token that covers the units from <paramref name="start"/> to <paramref name="end"/> of the current piece.</summary>
    public void Add(int id, int start, int end, string? ownText = null)
    {
        if (ownText is not null)
        {
            OwnTexts.Add(Ids.Count, ownText);
        }

        Ids.Add(id);
        Offsets.Add(new TextRange(text.OriginOf(_pieceStart + start).Start, text.OriginOf(_pieceStart + end - 1).End));
        Words.Add(_word);
    }

    public void Add(ReadOnlySpan<TokenSpan> tokens)
    {
        foreach (TokenSpan token in tokens)
        {
            Add(token.Id, token.Start, token.End);
        }
    }
}
