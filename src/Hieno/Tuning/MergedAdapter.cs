using Hieno.Models;
using Hieno.Tensors;

namespace Hieno.Tuning;

/// <summary>An adapter that was merged into its model.</summary>
public sealed class MergedAdapter
{
    private readonly Adapter _adapter;
    private readonly bool _wasEnabled;
    private IReadOnlyList<(Parameter Parameter, Tensor Value)>? _before;

    internal MergedAdapter(Adapter adapter, IReadOnlyList<(Parameter Parameter, Tensor Value)> before, bool wasEnabled) =>
        (_adapter, _before, _wasEnabled) = (adapter, before, wasEnabled);

    /// <summary>Puts the weights back exactly as they were and the adapter beside them again.</summary>
    /// <exception cref="InvalidOperationException">This was done already.</exception>
    public void Unmerge()
    {
        _adapter.Unmerge(_before ?? throw new InvalidOperationException($"The adapter '{_adapter.Name}' was unmerged already."), _wasEnabled);
        _before = null;
    }
}
