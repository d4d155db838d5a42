namespace Hieno.Training;

/// <summary>The most valuable choice of weights whose gradients fit a budget of the backward pass.</summary>
/// <remarks>
/// Huang et al. 2023, <see href="https://arxiv.org/abs/2309.13192"/>, solved exactly: once the deepest weight is given, passing gradients
/// down to it costs a fixed amount, and the others make a 0/1 knapsack. One table, filled weight by weight from the output down, answers that for
/// every deepest weight, in time of the number of weights times the budget. (The authors' program can miss the best choice.)
/// </remarks>
internal static class BackwardKnapsack
{
    /// <summary>Chooses.</summary>
    /// <param name="passing">For each weight, from the output down, what it costs to pass gradients on to it from the one before.</param>
    /// <param name="weights">What the gradient of the weight itself costs.</param>
    /// <param name="importance">What it is worth; a weight that is worth nothing, or less, is not chosen.</param>
    /// <param name="limit">The budget, in the unit of the costs.</param>
    /// <returns>Whether each weight is chosen; all false where nothing of worth fits.</returns>
    public static bool[] Choose(ReadOnlySpan<int> passing, ReadOnlySpan<int> weights, ReadOnlySpan<double> importance, int limit)
    {
        int count = weights.Length;
        double[] best = new double[limit + 1]; // the most worth within each capacity, of the weights so far
        var takes = new bool[count][];
        (double worth, int deepest, int capacity) = (0, -1, 0);
        long passed = 0;
        for (int k = 0; k < count; k++)
        {
            passed += passing[k];
            long left = limit - passed - weights[k];
            if (left >= 0 && importance[k] > 0 && best[left] + importance[k] > worth)
            {
                (worth, deepest, capacity) = (best[left] + importance[k], k, (int)left);
            }

            takes[k] = Take(best, weights[k], importance[k]);
        }

        bool[] chosen = new bool[count];
        if (deepest >= 0)
        {
            chosen[deepest] = true;
            for (int k = deepest - 1; k >= 0; k--)
            {
                chosen[k] = takes[k].Length > 0 && takes[k][capacity];
                capacity -= chosen[k] ? weights[k] : 0;
            }
        }

        return chosen;
    }

    // Offers one more weight to every capacity, largest first, so that it is taken once; returns where it was taken.
    private static bool[] Take(double[] best, int cost, double importance)
    {
        if (!(importance > 0))
        {
            return [];
        }

        bool[] taken = new bool[best.Length];
        for (int capacity = best.Length - 1; capacity >= cost; capacity--)
        {
            if (best[capacity - cost] + importance > best[capacity])
            {
                best[capacity] = best[capacity - cost] + importance;
                taken[capacity] = true;
            }
        }

        return taken;
    }
}
