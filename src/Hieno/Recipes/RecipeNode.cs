namespace Hieno.Recipes;

/// <summary>One value of a recipe as it was written, before it is known which setting it belongs to.</summary>
/// <remarks>YAML, JSON and command line give the same tree. Nodes are immutable: an anchored value of YAML stands in several places.</remarks>
public abstract class RecipeNode
{
    private protected RecipeNode(RecipePosition position, long size) => (Position, Size) = (position, size);

    /// <summary>Where the value begins.</summary>
    public RecipePosition Position { get; }

    /// <summary>The value of the file that a flag of the command line replaced, or null.</summary>
    public RecipeNode? Replaced { get; internal init; }

    /// <summary>Number of nodes of this tree, an aliased subtree counted as often as it is used.</summary>
    internal long Size { get; }
}

/// <summary>How a scalar was written, which decides what it may mean.</summary>
public enum ScalarForm
{
    /// <summary>Unquoted: the setting's type decides how it is read (<c>16</c>, <c>true</c>, <c>cosine</c>).</summary>
    Plain,

    /// <summary>Quoted or a block text: never a number or a truth value.</summary>
    Quoted,

    /// <summary><c>null</c>, <c>~</c> or nothing at all.</summary>
    Null,

    /// <summary>A flag of the command line without a value, which means true.</summary>
    Flag,
}

/// <summary>A single value.</summary>
/// <param name="text">The value, without quotes and escapes.</param>
/// <param name="form">How it was written.</param>
/// <param name="position">Where it was written.</param>
public sealed class ScalarNode(string text, ScalarForm form, RecipePosition position) : RecipeNode(position, 1)
{
    /// <summary>The value, without quotes and escapes.</summary>
    public string Text { get; } = text;

    /// <summary>How the value was written.</summary>
    public ScalarForm Form { get; } = form;
}

/// <summary>A list of values.</summary>
/// <param name="items">The values in order.</param>
/// <param name="position">Where the list begins.</param>
public sealed class ListNode(IReadOnlyList<RecipeNode> items, RecipePosition position) : RecipeNode(position, 1 + items.Sum(i => i.Size))
{
    /// <summary>The values in order.</summary>
    public IReadOnlyList<RecipeNode> Items { get; } = items;
}

/// <summary>One key of a map and its value.</summary>
/// <param name="Key">The key as it was written.</param>
/// <param name="Position">Where the key was written.</param>
/// <param name="Value">The value.</param>
public sealed record RecipeEntry(string Key, RecipePosition Position, RecipeNode Value);

/// <summary>A group of keys and values, in the order they were written.</summary>
/// <param name="entries">The keys, each once.</param>
/// <param name="position">Where the group begins.</param>
public sealed class MapNode(IReadOnlyList<RecipeEntry> entries, RecipePosition position)
    : RecipeNode(position, 1 + entries.Sum(e => e.Value.Size))
{
    /// <summary>The key that chooses the kind of a group of settings.</summary>
    public const string KindKey = "kind";

    /// <summary>The keys and values in the order they were written.</summary>
    public IReadOnlyList<RecipeEntry> Entries { get; } = entries;

    /// <summary>The scalar that a flag made this map of (<c>schedule: cosine</c> and <c>--schedule.cycles 1</c>), or null.</summary>
    public ScalarNode? ShortFor { get; internal init; }

    /// <summary>Finds the value of a key.</summary>
    /// <param name="key">The exact key.</param>
    /// <returns>The key's entry, or null.</returns>
    public RecipeEntry? Find(string key) => Entries.FirstOrDefault(e => string.Equals(e.Key, key, StringComparison.Ordinal));
}
