namespace Hieno.Recipes;

// Finds what a misspelt word was probably meant to be.
internal static class NearestKey
{
    /// <summary>The nearest of the known words, or null when none is near.</summary>
    public static string? To(string word, IEnumerable<string> known)
    {
        string plain = Plain(word);
        if (plain.Length is 0 or > 100)
        {
            return null;
        }

        // One slip is allowed in a short word, one in three letters of a long one.
        int allowed = Math.Max(1, plain.Length / 3);
        return known
            .Select(k => (Key: k, Distance: Distance(plain, Plain(k))))
            .Where(k => k.Distance <= allowed && k.Distance < plain.Length)
            .OrderBy(k => k.Distance)
            .Select(k => k.Key)
            .FirstOrDefault();
    }

    /// <summary>The word without case, hyphens and underscores, in which batch_size and batchSize are the same.</summary>
    public static string Plain(string word) =>
        string.Concat(word.Where(c => c is not ('-' or '_'))).ToLowerInvariant();

    /// <summary>True when two words differ in case, hyphens and underscores at most.</summary>
    public static bool Same(string a, string b) => string.Equals(Plain(a), Plain(b), StringComparison.Ordinal);

    /// <summary>The ending of a sentence about an unknown word: the nearest known one, or all when there are few.</summary>
    public static string Advice(string word, IReadOnlyCollection<string> known, string plural)
    {
        const int Few = 20;
        return To(word, known) is { } near ? $"Did you mean '{near}'?"
            : known.Count <= Few ? $"{plural}: {string.Join(", ", known)}."
            : $"See the list of {plural.ToLowerInvariant()}.";
    }

    // Number of letters inserted, deleted, replaced or swapped with their neighbour (optimal string alignment).
    private static int Distance(string a, string b)
    {
        int[,] d = new int[a.Length + 1, b.Length + 1];
        for (int i = 0; i <= a.Length; i++)
        {
            d[i, 0] = i;
        }

        for (int j = 0; j <= b.Length; j++)
        {
            d[0, j] = j;
        }

        for (int i = 1; i <= a.Length; i++)
        {
            for (int j = 1; j <= b.Length; j++)
            {
                int replaced = d[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
                d[i, j] = Math.Min(replaced, Math.Min(d[i - 1, j], d[i, j - 1]) + 1);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                {
                    d[i, j] = Math.Min(d[i, j], d[i - 2, j - 2] + 1);
                }
            }
        }

        return d[a.Length, b.Length];
    }
}
