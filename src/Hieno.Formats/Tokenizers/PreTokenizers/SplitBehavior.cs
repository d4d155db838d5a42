namespace Hieno.Formats.Tokenizers.PreTokenizers;

/// <summary>What becomes of the delimiters a text is split at.</summary>
internal enum SplitBehavior
{
    /// <summary>They vanish.</summary>
    Removed,

    /// <summary>Each is a piece of its own.</summary>
    Isolated,

    /// <summary>Each ends the piece before it.</summary>
    MergedWithPrevious,

    /// <summary>Each starts the piece after it.</summary>
    MergedWithNext,

    /// <summary>Neighbouring delimiters are one piece.</summary>
    Contiguous,
}

/// <summary>A part of a text that either is a delimiter or lies between two.</summary>
internal readonly record struct Segment(int Start, int End, bool IsDelimiter);

/// <summary>Turns delimiters and what lies between them into pieces.</summary>
internal static class Segments
{
    /// <summary>The segments of a text, given its delimiters from left to right.</summary>
    public static List<Segment> Between(List<TextRange> delimiters, int length)
    {
        var segments = new List<Segment>((delimiters.Count * 2) + 1);
        int done = 0;
        foreach (TextRange delimiter in delimiters)
        {
            if (delimiter.Start > done)
            {
                segments.Add(new Segment(done, delimiter.Start, IsDelimiter: false));
            }

            segments.Add(new Segment(delimiter.Start, delimiter.End, IsDelimiter: true));
            done = delimiter.End;
        }

        if (done < length)
        {
            segments.Add(new Segment(done, length, IsDelimiter: false));
        }

        return segments;
    }

    /// <summary>Hands the pieces that <paramref name="behavior"/> makes of the segments to <paramref name="parts"/>.</summary>
    /// <param name="segments">Segments that cover the text.</param>
    /// <param name="behavior">What becomes of the delimiters.</param>
    /// <param name="invert">Takes the delimiters for the text and the rest for delimiters.</param>
    /// <param name="parts">Receives the pieces.</param>
    public static void Emit(List<Segment> segments, SplitBehavior behavior, bool invert, PieceSink parts)
    {
        int count = segments.Count;
        for (int i = 0; i < count;)
        {
            int next = i + 1;
            bool delimiter = segments[i].IsDelimiter != invert;
            switch (behavior)
            {
                case SplitBehavior.Removed when delimiter:
                    i = next;
                    continue;
                case SplitBehavior.Contiguous:
                    while (next < count && segments[next].IsDelimiter != invert == delimiter)
                    {
                        next++;
                    }

                    break;
                case SplitBehavior.MergedWithPrevious when !delimiter && next < count && segments[next].IsDelimiter != invert:
                case SplitBehavior.MergedWithNext when delimiter && next < count && segments[next].IsDelimiter == invert:
                    next++;
                    break;
                default:
                    break;
            }

            parts.Add(segments[i].Start, segments[next - 1].End);
            i = next;
        }
    }
}
