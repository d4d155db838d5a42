namespace Hieno.Tuning;

/// <summary>The largest elements of several weights together.</summary>
internal static class TopElements
{
    /// <summary>Marks the largest share of all scores; of equal ones the first.</summary>
    /// <param name="scores">A score for each element of each weight.</param>
    /// <param name="share">From 0 to 1; rounded to a whole number of elements.</param>
    /// <returns>For each element whether it is among them.</returns>
    public static bool[][] Mask(IReadOnlyList<float[]> scores, double share)
    {
        bool[][] mask = [.. scores.Select(values => new bool[values.Length])];
        (float Score, int Weight, int Index)[] all = [.. scores.SelectMany((values, weight) => values.Select((score, index) => (score, weight, index)))];
        Array.Sort(all, (a, b) => a.Score != b.Score ? b.Score.CompareTo(a.Score) : a.Weight != b.Weight ? a.Weight.CompareTo(b.Weight) : a.Index.CompareTo(b.Index));
        foreach ((_, int weight, int index) in all.Take((int)Math.Round(all.Length * share)))
        {
            mask[weight][index] = true;
        }

        return mask;
    }
}
