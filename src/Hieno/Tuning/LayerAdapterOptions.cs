namespace Hieno.Tuning;

/// <summary>Settings of a method that changes chosen linear layers.</summary>
public abstract record LayerAdapterOptions : AdapterOptions
{
    /// <summary>Endings of the names of the layers to adapt, or all-linear for every linear layer below the head. Default: the family's usual ones.</summary>
    public IReadOnlyList<string> Targets { get; init; } = [];
}
