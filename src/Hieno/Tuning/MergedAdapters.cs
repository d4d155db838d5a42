namespace Hieno.Tuning;

/// <summary>The adapters of several methods, merged into their model one after the other, in the order in which they act.</summary>
public sealed class MergedAdapters
{
    private readonly IReadOnlyList<Adapter> _adapters;
    private readonly Stack<MergedAdapter> _merged = new();

    private MergedAdapters(IReadOnlyList<Adapter> adapters) => _adapters = adapters;

    /// <summary>Merges adapters.</summary>
    /// <param name="adapters">All that are switched on, in the order in which they act.</param>
    /// <returns>What undoes it exactly.</returns>
    /// <exception cref="TuningException">A part cannot be written as a change of weights; the model is left as it was.</exception>
    public static MergedAdapters Merge(IReadOnlyList<Adapter> adapters)
    {
        ArgumentNullException.ThrowIfNull(adapters);
        var merged = new MergedAdapters(adapters);
        try
        {
            foreach (Adapter adapter in adapters)
            {
                merged._merged.Push(adapter.Merge());
            }

            return merged;
        }
        catch
        {
            merged.Unmerge();
            throw;
        }
    }

    /// <summary>Puts the weights back exactly as they were and the adapters beside them again, in their order.</summary>
    public void Unmerge()
    {
        while (_merged.TryPop(out MergedAdapter? last))
        {
            last.Unmerge();
        }

        foreach (Adapter adapter in _adapters)
        {
            adapter.MoveBehindOthers();
        }
    }
}
