using System.Runtime.InteropServices;
using Hieno.Formats.Tokenizers.Normalizers;
using Hieno.Formats.Tokenizers.PreTokenizers;

namespace Hieno.Formats.Tokenizers.Training;

/// <summary>Counts the pieces that a normalizer and a pre-tokenizer make of texts.</summary>
internal static class WordCounter
{
    /// <summary>The distinct pieces in ordinal order, with how often each occurs.</summary>
    public static List<(string Word, long Count)> Count(IEnumerable<string> texts, Normalizer? normalizer, PreTokenizer preTokenizer)
    {
        var counts = new Dictionary<string, long>(StringComparer.Ordinal);
        var bySpan = counts.GetAlternateLookup<ReadOnlySpan<char>>();
        foreach (string text in texts)
        {
            var pieces = new PreTokenizedText(AlignedText.Of(text));
            if (normalizer is not null)
            {
                pieces.Rewrite(normalizer.Normalize);
            }

            preTokenizer.Run(pieces);
            foreach (Piece piece in pieces.Pieces)
            {
                CollectionsMarshal.GetValueRefOrAddDefault(bySpan, pieces.Text.Slice(piece.Start, piece.Length), out _)++;
            }
        }

        var words = new List<(string Word, long Count)>(counts.Count);
        foreach ((string word, long count) in counts)
        {
            words.Add((word, count));
        }

        words.Sort(static (a, b) => string.CompareOrdinal(a.Word, b.Word));
        return words;
    }
}
