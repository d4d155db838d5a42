using System.Collections.Concurrent;

namespace Hieno.Recipes;

/// <summary>Which record a <c>kind</c> of a group of settings means: <c>tuning: { kind: lora }</c> is <c>LoRAOptions</c>.</summary>
/// <remarks>
/// Built-in and foreign kinds are added by the same call. Fill a catalog before it is used; reading it is safe from several threads.
/// </remarks>
public sealed class KindCatalog
{
    private readonly Dictionary<Type, List<KeyValuePair<string, Type>>> _kinds = [];
    private readonly ConcurrentDictionary<Type, RecordModel> _models = new();

    /// <summary>Adds a kind.</summary>
    /// <typeparam name="TBase">The abstract record that a setting is declared as.</typeparam>
    /// <typeparam name="TConcrete">The record that holds this kind's settings.</typeparam>
    /// <param name="kind">The name in recipes: lower case, words joined by hyphens, e.g. <c>layer-norm</c>.</param>
    /// <returns>This catalog, so that calls can be chained.</returns>
    /// <exception cref="ArgumentException">The name is malformed or taken, or the record is in the catalog already.</exception>
    public KindCatalog Add<TBase, TConcrete>(string kind)
        where TBase : class
        where TConcrete : class, TBase
    {
        if (!IsName(kind))
        {
            throw new ArgumentException($"KindCatalog: '{kind}' is not a name of lower-case letters, digits and hyphens.", nameof(kind));
        }

        if (!_kinds.TryGetValue(typeof(TBase), out var kinds))
        {
            _kinds.Add(typeof(TBase), kinds = []);
        }

        foreach (var (name, type) in kinds)
        {
            if (string.Equals(name, kind, StringComparison.Ordinal) || type == typeof(TConcrete))
            {
                throw new ArgumentException(
                    $"KindCatalog: {typeof(TBase).Name} has '{name}' for {type.Name}, so '{kind}' for {typeof(TConcrete).Name} "
                    + "cannot be added.",
                    nameof(kind));
            }
        }

        kinds.Add(new(kind, typeof(TConcrete)));
        _models.Clear(); // a type that was no group of kinds before may be one now
        return this;
    }

    /// <summary>The kinds of a group of settings, in the order they were added.</summary>
    /// <param name="baseType">The abstract record that the setting is declared as.</param>
    /// <returns>Name and record of each kind; empty when none was added.</returns>
    public IReadOnlyList<KeyValuePair<string, Type>> KindsOf(Type baseType) => _kinds.TryGetValue(baseType, out var kinds) ? kinds : [];

    /// <summary>The record of a kind.</summary>
    /// <param name="baseType">The abstract record that the setting is declared as.</param>
    /// <param name="kind">The exact name.</param>
    /// <returns>The record, or null when there is no such kind.</returns>
    public Type? Find(Type baseType, string kind) =>
        KindsOf(baseType).FirstOrDefault(k => string.Equals(k.Key, kind, StringComparison.Ordinal)).Value;

    /// <summary>The name of a record's kind.</summary>
    /// <param name="baseType">The abstract record that the setting is declared as.</param>
    /// <param name="concreteType">The record that holds the settings.</param>
    /// <returns>The name in recipes.</returns>
    /// <exception cref="InvalidOperationException">The record was never added.</exception>
    public string KindOf(Type baseType, Type concreteType) =>
        KindsOf(baseType).FirstOrDefault(k => k.Value == concreteType).Key
        ?? throw new InvalidOperationException(
            $"KindCatalog: {concreteType.Name} is not a kind of {baseType.Name}. "
            + $"Add it: catalog.Add<{baseType.Name}, {concreteType.Name}>(\"name\").");

    /// <summary>The settings of each kind of a group, with their defaults.</summary>
    /// <typeparam name="TBase">The abstract record that the setting is declared as.</typeparam>
    public IEnumerable<TBase> Defaults<TBase>()
        where TBase : class => KindsOf(typeof(TBase)).Select(kind => (TBase)ModelOf(kind.Value).Create());

    internal RecordModel ModelOf(Type type) => _models.GetOrAdd(type, RecordModel.Of, this);

    private static bool IsName(string name) =>
        name.Length > 0 && name[0] != '-' && name[^1] != '-' && name.All(c => c is (>= 'a' and <= 'z') or (>= '0' and <= '9') or '-');
}
