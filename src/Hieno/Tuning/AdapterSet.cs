using Hieno.Formats;
using Hieno.Models;
using Hieno.Models.Layers;
using Hieno.Recipes;

namespace Hieno.Tuning;

/// <summary>Several adapters on one model, held at the same time and switched by name: one base in memory, many tunings.</summary>
/// <param name="model">The base model.</param>
public sealed class AdapterSet(PretrainedModel model)
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

        if (AdapterFolders.HoldsSeveral(folder))
        {
            throw new CheckpointException(ErrorCodes.AdapterUnsupported, folder, $"it holds the adapters of several methods, and one was to be called '{name}'", "Load each of the folders in it under a name of its own");
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

    /// <summary>A batch whose rows go through different adapters, in one pass: the base model's products are computed once for all of them.</summary>
    /// <param name="batch">The rows.</param>
    /// <param name="names">The adapter of each row, or null for the base model.</param>
    /// <returns>The batch, with <see cref="TokenBatch.Adapters"/> set.</returns>
    /// <exception cref="KeyNotFoundException">There is no adapter of a name.</exception>
    /// <exception cref="TuningException">An adapter cannot be used for some rows of a batch only.</exception>
    /// <remarks>As in S-LoRA: Sheng et al. 2023, <see href="https://arxiv.org/abs/2311.03285"/>; PEFT calls it <c>adapter_names</c>.</remarks>
    public TokenBatch Route(TokenBatch batch, IReadOnlyList<string?> names)
    {
        ArgumentNullException.ThrowIfNull(batch);
        ThrowUnlessRoutable(names);
        return batch.WithAdapters(names);
    }

    /// <summary>Checks that adapters can be used for some rows of a batch only.</summary>
    /// <exception cref="KeyNotFoundException">There is no adapter of a name.</exception>
    /// <exception cref="TuningException">One cannot, or one that changes all rows is switched on.</exception>
    internal void ThrowUnlessRoutable(IEnumerable<string?> names)
    {
        ArgumentNullException.ThrowIfNull(names);
        if (Active is { } active)
        {
            throw new TuningException(ErrorCodes.TuningCannotRoute, $"adapter '{active}'", "it is switched on for all rows", "Switch it off by Use(null), and name it for each row");
        }

        foreach (string name in names.OfType<string>().Distinct(StringComparer.Ordinal))
        {
            Adapter adapter = this[name];
            string? obstacle = adapter.Copies.Count > 0 ? $"it holds a copy of {adapter.Copies[0].Parameter.Name}, which stands in for the model's own in all rows"
                : adapter.Parts.OfType<VirtualTokens>().FirstOrDefault() is { } tokens ? $"it adds {tokens.Count} positions, which all rows of a batch have or none"
                : adapter.TokenRows.Count > 0 ? "it has rows of its own for new tokens, which stand in for the tables' in all rows"
                : adapter.Parts.OfType<SideNetwork>().Any() ? "it is a network beside the body, which reads whole batches"
                : adapter.Parts.FirstOrDefault(part => !model.Backbone.Modules().Contains(part.Place)) is { } outside ? $"it changes {outside.Place.Path}, which lies outside the body"
                : null;
            if (obstacle is not null)
            {
                throw new TuningException(ErrorCodes.TuningCannotRoute, $"adapter '{name}'", obstacle, "Switch to it by Use, and run its rows by themselves");
            }
        }
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
