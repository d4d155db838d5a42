using System.Numerics;

namespace Hieno.Formats.Tokenizers.Models;

/// <summary>The merges of a BPE model: for a pair of neighbouring tokens, the rank of their merge and the token it gives.</summary>
/// <remarks>
/// An open-addressing table: half of BPE's time is looking pairs up, most of which do not merge, and a miss here is usually one load.
/// </remarks>
internal sealed class MergeTable
{
    private const ulong Empty = ulong.MaxValue;

    private readonly ulong[] _keys;
    private readonly (int Rank, int Id)[] _values;
    private readonly int _shift;

    /// <summary>A table of merges.</summary>
    /// <param name="merges">The merges by ascending rank.</param>
    /// <param name="ranks">Their ranks, of which several may be equal; their places in the list when null.</param>
    public MergeTable(IReadOnlyList<(int Left, int Right, int Result)> merges, IReadOnlyList<int>? ranks = null)
    {
        Merges = merges;
        int size = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(merges.Count, 8) * 2);
        _shift = 64 - BitOperations.Log2((uint)size);
        _keys = new ulong[size];
        _values = new (int, int)[size];
        Array.Fill(_keys, Empty);
        for (int i = 0; i < merges.Count; i++)
        {
            (int left, int right, int result) = merges[i];
            int slot = Slot(Key(left, right));
            _keys[slot] = Key(left, right);
            _values[slot] = (ranks?[i] ?? i, result); // a pair listed twice counts where it is listed last
        }
    }

    /// <summary>The merges in the order of their ranks.</summary>
    public IReadOnlyList<(int Left, int Right, int Result)> Merges { get; }

    public bool TryGet(int left, int right, out int rank, out int id)
    {
        ulong key = Key(left, right);
        int slot = Slot(key);
        (rank, id) = _values[slot];
        return _keys[slot] == key;
    }

    private static ulong Key(int left, int right) => ((ulong)(uint)left << 32) | (uint)right;

    /// <summary>The slot that holds a key, or the free one where it would go. Fibonacci hashing, linear probing.</summary>
    private int Slot(ulong key)
    {
        int slot = (int)((key ^ (key >> 29)) * 0x9E3779B97F4A7C15UL >> _shift);
        while (_keys[slot] != key && _keys[slot] != Empty)
        {
            slot = (slot + 1) & (_keys.Length - 1);
        }

        return slot;
    }
}
