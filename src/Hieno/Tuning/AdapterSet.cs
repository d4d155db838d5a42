using Hieno.Models;
using Hieno.Recipes;

namespace Hieno.Tuning;

/// <summary>Several adapters on one model, held at the same time and switched by name: one base in memory, many tunings.</summary>
/// <param name="model">The base model.</param>
public sealed class AdapterSet(TextModel model)
{
    private readonly Dictionary<string, Adapter> _adapters = new(StringComparer.Ordinal);

    /// <summary>The names of the adapters held, in no particular order.</summary>
    public IReadOnlyCollection<string> Names => _adapters.Keys;

    /// <summary>The name of the adapter that is switched on, or null: the model is then the base model.</summary>
    public string? Active { get; private set; }

    /// <summary>The adapter of that name.</summary>
    /// <exception cref="KeyNotFoundException">There is none.</exception>
    public Adapter this[string name] => _adapters.TryGetValue(name, out Adapter? adapter)
        ? adapter
        : throw new KeyNotFoundException($"There is no adapter '{name}'. Held are {string.Join(", ", Names.Order(StringComparer.Ordinal))}.");

    /// <summary>Reads an adapter and holds it switched off.</summary>
    /// <param name="folder">A folder in PEFT's layout.</param>
    /// <param name="name">What to call it.</param>
    /// <param name="kinds">The methods that are known; the built-in ones when null.</param>
    /// <exception cref="ArgumentException">An adapter of that name is held already.</exception>
    /// <exception cref="Formats.CheckpointException">A file is malformed, or the adapter does not fit the model.</exception>
    public Adapter Load(string folder, string name, KindCatalog? kinds = null)
    {
        if (_adapters.ContainsKey(name))
        {
            throw new ArgumentException($"An adapter '{name}' is held already. Give this one another name, or remove the other.", nameof(name));
        }

        Adapter adapter = PeftFolder.Load(model, folder, name, enabled: false, kinds);
        _adapters.Add(name, adapter);
        return adapter;
    }

    /// <summary>Switches to one adapter, or with null to the base model.</summary>
    /// <exception cref="KeyNotFoundException">There is no adapter of that name.</exception>
    public void Use(string? name)
    {
        Adapter? next = name is null ? null : this[name];
        if (Active is { } active)
        {
            _adapters[active].Enable(false);
        }

        next?.Enable(true);
        Active = name;
    }

    /// <summary>Takes an adapter off the model.</summary>
    /// <exception cref="KeyNotFoundException">There is no adapter of that name.</exception>
    public void Remove(string name)
    {
        this[name].Detach();
        _adapters.Remove(name);
        Active = Active == name ? null : Active;
    }
}
