namespace Hieno.Scoring;

/// <summary>Errors of recognised texts against what was said.</summary>
/// <param name="Errors">Words substituted, left out and put in.</param>
/// <param name="Words">Words of the references.</param>
public readonly record struct WordErrors(int Errors, int Words)
{
    private static readonly char[] s_space = [' ', '\t', '\n', '\r'];

    /// <summary>The word error rate: errors for each word that was said; NaN without words. It can pass 1.</summary>
    public double Rate => (double)Errors / Words;

    /// <summary>The sum over several texts.</summary>
    public static WordErrors operator +(WordErrors left, WordErrors right) => new(left.Errors + right.Errors, left.Words + right.Words);

    /// <summary>Counts the fewest substitutions, omissions and insertions that lead from one text to the other. Words are parted by white space and compared as they are written.</summary>
    /// <param name="reference">What was said.</param>
    /// <param name="hypothesis">What was recognised.</param>
    public static WordErrors Count(string reference, string hypothesis)
    {
        string[] said = Split(reference), heard = Split(hypothesis);
        int[] above = [.. Enumerable.Range(0, heard.Length + 1)]; // distances of the words of 'said' so far to each beginning of 'heard'
        for (int i = 0; i < said.Length; i++)
        {
            int[] row = new int[heard.Length + 1];
            row[0] = i + 1;
            for (int j = 0; j < heard.Length; j++)
            {
                int same = above[j] + (said[i] == heard[j] ? 0 : 1);
                row[j + 1] = Math.Min(same, 1 + Math.Min(above[j + 1], row[j]));
            }

            above = row;
        }

        return new WordErrors(above[^1], said.Length);
    }

    /// <summary>How many words a text has.</summary>
    public static int CountWords(string text) => Split(text).Length;

    private static string[] Split(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return text.Split(s_space, StringSplitOptions.RemoveEmptyEntries);
    }
}
