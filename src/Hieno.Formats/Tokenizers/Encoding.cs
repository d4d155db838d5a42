namespace Hieno.Formats.Tokenizers;

/// <summary>The tokens of a text (or of a pair of texts), with all that models and metrics ask about them; all arrays have one entry a token.</summary>
public sealed class Encoding
{
    /// <summary>Ids in the vocabulary: what a model reads.</summary>
    public required int[] Ids { get; init; }

    /// <summary>The tokens as they stand in the vocabulary.</summary>
    public required string[] Tokens { get; init; }

    /// <summary>The range of the original text that each token covers, in UTF-16 units; (0, 0) for tokens that were inserted.</summary>
    public required TextRange[] Offsets { get; init; }

    /// <summary>Segment ids (BERT's sentence A and B).</summary>
    public required int[] TypeIds { get; init; }

    /// <summary>1 for tokens that were inserted (special tokens and padding), 0 for tokens of the text.</summary>
    public required int[] SpecialTokensMask { get; init; }

    /// <summary>1 for tokens to attend to, 0 for padding.</summary>
    public required int[] AttentionMask { get; init; }

    /// <summary>Number of the word (piece of the pre-tokenizer) each token came from, counted from 0 in its text; null for inserted tokens.</summary>
    public required int?[] WordIds { get; init; }

    /// <summary>0 for tokens of the first text, 1 for tokens of the second, null for inserted tokens.</summary>
    public required int?[] SequenceIds { get; init; }

    /// <summary>What truncation cut off, as further encodings that overlap by the stride. Empty without truncation.</summary>
    public IReadOnlyList<Encoding> Overflowing { get; init; } = [];

    /// <summary>The number of tokens.</summary>
    public int Length => Ids.Length;

    /// <summary>An encoding without tokens.</summary>
    internal static Encoding Empty { get; } = Inserted([], [], 0);

    /// <summary>The offsets counted in Unicode code points instead of UTF-16 units, as other implementations report them.</summary>
    /// <param name="text">The text that was encoded.</param>
    /// <param name="pair">The second text, for the encoding of a pair.</param>
    /// <returns>One range a token.</returns>
    public TextRange[] CodePointOffsets(string text, string? pair = null)
    {
        ArgumentNullException.ThrowIfNull(text);
        int[] first = CodePointsBefore(text);
        int[] second = CodePointsBefore(pair ?? string.Empty);
        var result = new TextRange[Offsets.Length];
        for (int i = 0; i < result.Length; i++)
        {
            int[] before = SequenceIds[i] == 1 ? second : first;
            result[i] = new TextRange(before[Offsets[i].Start], before[Offsets[i].End]);
        }

        return result;
    }

    /// <summary>Tokens that do not come from a text.</summary>
    internal static Encoding Inserted(int[] ids, string[] tokens, int typeId) => new()
    {
        Ids = ids,
        Tokens = tokens,
        Offsets = new TextRange[ids.Length],
        TypeIds = Filled(ids.Length, typeId),
        SpecialTokensMask = Filled(ids.Length, 1),
        AttentionMask = Filled(ids.Length, 1),
        WordIds = new int?[ids.Length],
        SequenceIds = new int?[ids.Length],
    };

    /// <summary>The same tokens with other segment ids, the overflow included.</summary>
    internal Encoding WithTypeId(int typeId) => With(typeIds: Filled(Length, typeId), overflowing: [.. Overflowing.Select(o => o.WithTypeId(typeId))]);

    /// <summary>The same tokens with other offsets.</summary>
    internal Encoding WithOffsets(TextRange[] offsets, IReadOnlyList<Encoding> overflowing) => With(offsets: offsets, overflowing: overflowing);

    /// <summary>Puts encodings one after the other; each combination of overflowing parts becomes an overflowing part of the whole.</summary>
    internal static Encoding Merge(IReadOnlyList<Encoding> parts)
    {
        Encoding result = parts.Count > 0 ? parts[0] : Empty;
        for (int i = 1; i < parts.Count; i++)
        {
            result = Merge(result, parts[i]);
        }

        return result;
    }

    /// <summary>Keeps the first (or last) <paramref name="maxLength"/> tokens and moves the rest into overlapping overflow.</summary>
    internal Encoding Truncate(int maxLength, int stride, TruncationSide side)
    {
        if (maxLength >= Length)
        {
            return this;
        }

        if (maxLength == 0)
        {
            return Empty.With(overflowing: [this]);
        }

        var parts = new List<Encoding>();
        int step = maxLength - stride;
        if (side == TruncationSide.Right)
        {
            for (int start = 0, end = 0; end < Length; start += step)
            {
                end = Math.Min(start + maxLength, Length);
                parts.Add(Slice(start, end));
            }
        }
        else
        {
            for (int end = Length, start = Length; start > 0; end -= step)
            {
                start = Math.Max(end - maxLength, 0);
                parts.Add(Slice(start, end));
            }
        }

        return parts[0].With(overflowing: parts[1..]);
    }

    /// <summary>Fills up to <paramref name="length"/> tokens, the overflow too.</summary>
    internal Encoding Pad(int length, Padding padding)
    {
        IReadOnlyList<Encoding> overflowing = [.. Overflowing.Select(o => o.Pad(length, padding))];
        if (Length >= length)
        {
            return With(overflowing: overflowing);
        }

        int missing = length - Length;
        Encoding filler = Inserted(Filled(missing, padding.Id), [.. Enumerable.Repeat(padding.Token, missing)], padding.TypeId)
            .With(attentionMask: new int[missing]);
        Encoding bare = With(overflowing: []);
        return (padding.Side == TruncationSide.Right ? Merge(bare, filler) : Merge(filler, bare)).With(overflowing: overflowing);
    }

    private static Encoding Merge(Encoding left, Encoding right)
    {
        var overflowing = new List<Encoding>();
        foreach (Encoding part in left.Overflowing)
        {
            overflowing.Add(Join(part, right, []));
            overflowing.AddRange(right.Overflowing.Select(other => Join(part, other, [])));
        }

        overflowing.AddRange(right.Overflowing.Select(other => Join(left, other, [])));
        return Join(left, right, overflowing);
    }

    private static Encoding Join(Encoding left, Encoding right, IReadOnlyList<Encoding> overflowing) => new()
    {
        Ids = [.. left.Ids, .. right.Ids],
        Tokens = [.. left.Tokens, .. right.Tokens],
        Offsets = [.. left.Offsets, .. right.Offsets],
        TypeIds = [.. left.TypeIds, .. right.TypeIds],
        SpecialTokensMask = [.. left.SpecialTokensMask, .. right.SpecialTokensMask],
        AttentionMask = [.. left.AttentionMask, .. right.AttentionMask],
        WordIds = [.. left.WordIds, .. right.WordIds],
        SequenceIds = [.. left.SequenceIds, .. right.SequenceIds],
        Overflowing = overflowing,
    };

    private static int[] Filled(int length, int value)
    {
        var result = new int[length];
        Array.Fill(result, value);
        return result;
    }

    /// <summary>For each UTF-16 position, the number of code points before it.</summary>
    private static int[] CodePointsBefore(string text)
    {
        var before = new int[text.Length + 1];
        for (int i = 0; i < text.Length; i++)
        {
            bool isSecondHalf = i > 0 && char.IsSurrogatePair(text[i - 1], text[i]);
            before[i + 1] = before[i] + (isSecondHalf ? 0 : 1);
        }

        return before;
    }

    private Encoding Slice(int start, int end) => new()
    {
        Ids = Ids[start..end],
        Tokens = Tokens[start..end],
        Offsets = Offsets[start..end],
        TypeIds = TypeIds[start..end],
        SpecialTokensMask = SpecialTokensMask[start..end],
        AttentionMask = AttentionMask[start..end],
        WordIds = WordIds[start..end],
        SequenceIds = SequenceIds[start..end],
    };

    private Encoding With(
        TextRange[]? offsets = null, int[]? typeIds = null, int[]? attentionMask = null, IReadOnlyList<Encoding>? overflowing = null) => new()
    {
        Ids = Ids,
        Tokens = Tokens,
        Offsets = offsets ?? Offsets,
        TypeIds = typeIds ?? TypeIds,
        SpecialTokensMask = SpecialTokensMask,
        AttentionMask = attentionMask ?? AttentionMask,
        WordIds = WordIds,
        SequenceIds = SequenceIds,
        Overflowing = overflowing ?? Overflowing,
    };
}
