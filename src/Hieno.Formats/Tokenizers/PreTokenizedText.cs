namespace Hieno.Formats.Tokenizers;

/// <summary>One piece of a text that is being split: either text still to be tokenized or an added token already found.</summary>
/// <param name="Start">First unit of the piece in the aligned text.</param>
/// <param name="Length">Number of units.</param>
/// <param name="TokenId">Id of the added token, or −1 for text.</param>
internal readonly record struct Piece(int Start, int Length, int TokenId = -1)
{
    public bool IsToken => TokenId >= 0;
}

/// <summary>Appends the normalized or rewritten form of one range of <paramref name="source"/> to <paramref name="target"/>.</summary>
internal delegate void PieceRewriter(AlignedText source, int start, int length, AlignedText target);

/// <summary>Cuts one piece of text: calls <see cref="PieceSink.Add"/> for every part to keep, in order.</summary>
internal delegate void PieceSplitter(ReadOnlySpan<char> text, PieceSink parts);

/// <summary>A text and the ordered pieces it has been cut into so far.</summary>
internal sealed class PreTokenizedText
{
    private List<Piece> _pieces = [];
    private List<Piece> _spare = [];

    public PreTokenizedText(AlignedText text)
    {
        Text = text;
        if (text.Length > 0)
        {
            _pieces.Add(new Piece(0, text.Length));
        }
    }

    public AlignedText Text { get; private set; }

    public IReadOnlyList<Piece> Pieces => _pieces;

    /// <summary>Cuts every text piece further; added tokens stay as they are and empty parts vanish.</summary>
    public void Split(PieceSplitter splitter)
    {
        (_spare, _pieces) = (_pieces, _spare);
        _pieces.Clear();
        var sink = new PieceSink(_pieces);
        foreach (Piece piece in _spare)
        {
            if (piece.IsToken)
            {
                _pieces.Add(piece);
                continue;
            }

            sink.Offset = piece.Start;
            splitter(Text.Slice(piece.Start, piece.Length), sink);
        }
    }

    /// <summary>Replaces the text of every text piece; pieces that become empty vanish.</summary>
    public void Rewrite(PieceRewriter rewriter)
    {
        var target = new AlignedText(Text.Length + 16);
        (_spare, _pieces) = (_pieces, _spare);
        _pieces.Clear();
        foreach (Piece piece in _spare)
        {
            int start = target.Length;
            if (piece.IsToken)
            {
                target.AppendFrom(Text, piece.Start, piece.Length);
            }
            else
            {
                rewriter(Text, piece.Start, piece.Length, target);
            }

            if (target.Length > start)
            {
                _pieces.Add(new Piece(start, target.Length - start, piece.TokenId));
            }
        }

        Text = target;
    }
}

/// <summary>Collects the parts of one piece, given relative to that piece.</summary>
internal sealed class PieceSink(List<Piece> pieces)
{
    /// <summary>Where the piece being cut starts in the aligned text.</summary>
    public int Offset { get; set; }

    public void Add(int start, int end, int tokenId = -1)
    {
        if (end > start)
        {
            pieces.Add(new Piece(Offset + start, end - start, tokenId));
        }
    }
}
