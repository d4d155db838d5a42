namespace Hieno.Generation;

/// <summary>Finds stop strings in a text that arrives in pieces, and gives out what certainly comes before one.</summary>
/// <remarks>Of several, the one that is complete first counts: so the result does not depend on where the pieces are cut.</remarks>
internal sealed class StopStrings(IReadOnlyList<string> stops)
{
    private string _held = string.Empty; // the end of the text so far that could begin a stop string

    /// <summary>True once a stop string was met.</summary>
    public bool Met { get; private set; }

    /// <summary>Takes the next piece.</summary>
    /// <returns>The text that is now known to be no part of a stop string.</returns>
    public string Push(string piece)
    {
        if (piece.Length == 0 || Met)
        {
            return string.Empty;
        }

        string text = _held + piece;
        int first = FirstStop(text);
        Met = first >= 0;
        int certain = Met ? first : text.Length - LongestBeginning(text);
        _held = Met ? string.Empty : text[certain..];
        return text[..certain];
    }

    /// <summary>Ends the text.</summary>
    /// <returns>What was held back.</returns>
    public string Finish()
    {
        string rest = _held;
        _held = string.Empty;
        return rest;
    }

    // Where the stop string begins that ends first; the longest of those that end together. −1 where there is none.
    private int FirstStop(string text)
    {
        (int start, int end) = (-1, int.MaxValue);
        foreach (string stop in stops)
        {
            int found = text.IndexOf(stop, StringComparison.Ordinal);
            if (found >= 0 && (found + stop.Length < end || (found + stop.Length == end && found < start)))
            {
                (start, end) = (found, found + stop.Length);
            }
        }

        return start;
    }

    // Length of the longest end of the text that a stop string begins with.
    private int LongestBeginning(string text)
    {
        int longest = 0;
        foreach (string stop in stops)
        {
            for (int length = Math.Min(stop.Length - 1, text.Length); length > longest; length--)
            {
                if (text.AsSpan(text.Length - length).SequenceEqual(stop.AsSpan(0, length)))
                {
                    longest = length;
                }
            }
        }

        return longest;
    }
}
