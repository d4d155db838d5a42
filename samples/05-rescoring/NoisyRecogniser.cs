using Hieno.Tensors;

namespace Rescoring;

/// <summary>
/// A stand-in for the first pass of a recogniser that hears badly and has no language model. Each spoken word competes with the words of the lexicon
/// that are spelled most like it; a candidate's evidence is minus its distance in letters, with normal noise on each. Words can also get lost,
/// and short ones can be heard where nothing was said. It knows nothing of which words go together: that is left to the second pass.
/// </summary>
/// <param name="lexicon">All words it can write; every spoken word must be among them.</param>
internal sealed class NoisyRecogniser(string[] lexicon)
{
    private const int Alternatives = 8;      // words that compete for one place
    private const int ListLength = 50;       // n of the n-best list
    private const double Noise = 0.6;        // standard deviation of the evidence, in units of one wrong letter
    private const double LossPenalty = 2.5;  // evidence against a word having been said at all
    private const double ExtraPenalty = 3;   // evidence against a word where nothing was said

    private static readonly string[] s_short = ["a", "the", "to", "of", "and", "in", "it"];
    private static readonly string[] s_alike = ["aeiouy", "bp", "dt", "ckgq", "fv", "sz", "mn", "lr"];

    private readonly Dictionary<string, (string Word, double Distance)[]> _rivals = new(StringComparer.Ordinal);

    /// <summary>The n-best list of one utterance, best first.</summary>
    /// <param name="utterance">What was said.</param>
    /// <param name="rng">The noise.</param>
    /// <param name="number">The utterance's number: each has noise of its own.</param>
    public IReadOnlyList<(string Text, double Score)> Hear(string utterance, Rng rng, ulong number)
    {
        var noise = new Queue<float>(Normal(rng, number, utterance.Split(' ').Length * (Alternatives + 1 + s_short.Length)));
        List<(string Text, double Score)> beam = [(string.Empty, 0)];
        foreach (string word in utterance.Split(' '))
        {
            (string, double)[] heard = [.. Rivals(word).Select(rival => (rival.Word, (Noise * noise.Dequeue()) - rival.Distance)), (string.Empty, (Noise * noise.Dequeue()) - LossPenalty)];
            (string, double)[] extra = [(string.Empty, 0), .. s_short.Select(added => (added, (Noise * noise.Dequeue()) - ExtraPenalty))];
            beam = Extend(Extend(beam, heard), extra);
        }

        return [.. beam.Where(item => item.Text.Length > 0)];
    }

    // The best of all continuations. As the places are independent, no better whole path is lost by dropping the others.
    private static List<(string Text, double Score)> Extend(List<(string Text, double Score)> beam, (string Word, double Score)[] options) =>
        [.. beam.SelectMany(item => options.Select(option => (Text: Join(item.Text, option.Word), Score: item.Score + option.Score)))
            .GroupBy(item => item.Text, StringComparer.Ordinal).Select(same => same.MaxBy(item => item.Score))
            .OrderByDescending(item => item.Score).ThenBy(item => item.Text, StringComparer.Ordinal).Take(ListLength)];

    private static string Join(string text, string word) => word.Length == 0 ? text : text.Length == 0 ? word : $"{text} {word}";

    // The word itself, at distance 0, and those nearest to it.
    private (string Word, double Distance)[] Rivals(string word)
    {
        if (!_rivals.TryGetValue(word, out (string, double)[]? rivals))
        {
            rivals = [.. lexicon.Where(other => Math.Abs(other.Length - word.Length) <= 3).Select(other => (Word: other, Distance: Distance(word, other)))
                .OrderBy(rival => rival.Distance).ThenBy(rival => rival.Word, StringComparer.Ordinal).Take(Alternatives)];
            _rivals.Add(word, rivals);
        }

        return rivals;
    }

    // Levenshtein's distance, in which letters that stand for similar sounds are half as far apart.
    private static double Distance(string said, string heard)
    {
        double[] above = [.. Enumerable.Range(0, heard.Length + 1).Select(i => (double)i)];
        for (int i = 0; i < said.Length; i++)
        {
            double[] row = new double[heard.Length + 1];
            row[0] = i + 1;
            for (int j = 0; j < heard.Length; j++)
            {
                row[j + 1] = Math.Min(above[j] + Difference(said[i], heard[j]), 1 + Math.Min(above[j + 1], row[j]));
            }

            above = row;
        }

        return above[^1];
    }

    private static double Difference(char said, char heard) =>
        said == heard ? 0 : Array.Exists(s_alike, sounds => sounds.Contains(said, StringComparison.Ordinal) && sounds.Contains(heard, StringComparison.Ordinal)) ? 0.5 : 1;

    private static float[] Normal(Rng rng, ulong number, int count)
    {
        float[] values = new float[count];
        rng.FillNormal(values, 0, 1, number);
        return values;
    }
}
