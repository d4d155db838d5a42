namespace Hieno.Formats.Tokenizers;

/// <summary>A read-only prefix tree over UTF-16 units, for finding every entry that starts at a place of a text.</summary>
/// <remarks>
/// Nodes lie in arrays, the children of a node side by side in ascending order, so a step is a binary search among few neighbours
/// and a vocabulary of 250,000 entries is a handful of arrays rather than a million objects.
/// </remarks>
internal sealed class CharTrie
{
    private readonly char[] _units;       // the unit on the edge into each node
    private readonly int[] _firstChild;   // children of node i are _firstChild[i] .. _firstChild[i + 1]
    private readonly int[] _values;       // index of the entry that ends here, or −1

    private CharTrie(char[] units, int[] firstChild, int[] values)
    {
        (_units, _firstChild, _values) = (units, firstChild, values);
    }

    /// <summary>Builds the tree. The value of an entry is its index; of equal entries the last one counts.</summary>
    public static CharTrie Build(IReadOnlyList<string> entries)
    {
        var order = new int[entries.Count];
        var keys = new string[entries.Count];
        for (int i = 0; i < order.Length; i++)
        {
            (order[i], keys[i]) = (i, entries[i]);
        }

        Array.Sort(keys, order, StringComparer.Ordinal);

        // Breadth first: a node is a run [From, To) of the sorted entries that share their first Depth units.
        // So a node's children are appended side by side, which is the layout that Child needs.
        var units = new List<char> { '\0' };
        var firstChild = new List<int>();
        var values = new List<int>();
        var pending = new Queue<(int From, int To, int Depth)>();
        pending.Enqueue((0, keys.Length, 0));
        while (pending.TryDequeue(out (int From, int To, int Depth) node))
        {
            int value = -1;
            int from = node.From;
            for (; from < node.To && keys[from].Length == node.Depth; from++)
            {
                value = Math.Max(value, order[from]);
            }

            values.Add(value);
            firstChild.Add(units.Count);
            while (from < node.To)
            {
                char unit = keys[from][node.Depth];
                int to = from + 1;
                while (to < node.To && keys[to][node.Depth] == unit)
                {
                    to++;
                }

                units.Add(unit);
                pending.Enqueue((from, to, node.Depth + 1));
                from = to;
            }
        }

        firstChild.Add(units.Count);
        return new CharTrie([.. units], [.. firstChild], [.. values]);
    }

    /// <summary>The root, where every search starts.</summary>
    public static int Root => 0;

    /// <summary>The node reached from <paramref name="node"/> by <paramref name="unit"/>, or −1.</summary>
    public int Child(int node, char unit)
    {
        int first = _firstChild[node];
        int index = _units.AsSpan(first, _firstChild[node + 1] - first).BinarySearch(unit);
        return index < 0 ? -1 : first + index;
    }

    /// <summary>The entry that ends at a node, or −1.</summary>
    public int ValueAt(int node) => _values[node];

    /// <summary>Length of the longest entry that <paramref name="text"/> starts with, 0 if there is none.</summary>
    public int LongestMatch(ReadOnlySpan<char> text, out int value)
    {
        (int length, value) = (0, -1);
        int node = Root;
        for (int i = 0; i < text.Length && (node = Child(node, text[i])) >= 0; i++)
        {
            if (_values[node] >= 0)
            {
                (length, value) = (i + 1, _values[node]);
            }
        }

        return length;
    }
}
