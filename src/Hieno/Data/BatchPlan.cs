using Hieno.Tensors;

namespace Hieno.Data;

/// <summary>Which examples go together, and in what order, in each pass over the data: a function of the seed and the pass alone.</summary>
public sealed class BatchPlan
{
    private readonly int[][] _packs;
    private readonly int _batchSize;
    private readonly bool _shuffle;
    private readonly Rng _rng;

    /// <summary>Plans batches.</summary>
    /// <param name="examples">The examples.</param>
    /// <param name="batchSize">Rows in a batch; packs of rows where <paramref name="packLength"/> is given.</param>
    /// <param name="packLength">Tokens in a pack of rows, or null: each row for itself.</param>
    /// <param name="seed">The seed of the order.</param>
    /// <param name="shuffle">False keeps the examples in their own order in every pass.</param>
    public BatchPlan(IReadOnlyList<Example> examples, int batchSize, int? packLength, ulong seed, bool shuffle = true)
    {
        ArgumentNullException.ThrowIfNull(examples);
        ArgumentOutOfRangeException.ThrowIfLessThan(batchSize, 1);
        _packs = packLength is { } length ? Pack(examples, length) : [.. Enumerable.Range(0, examples.Count).Select(i => (int[])[i])];
        (_batchSize, _shuffle, _rng) = (batchSize, shuffle, new Rng(seed, RngStream.DataOrder));
    }

    /// <summary>Batches in each pass.</summary>
    public int BatchesPerEpoch => (_packs.Length + _batchSize - 1) / _batchSize;

    /// <summary>The batches of a pass, each a list of example numbers.</summary>
    /// <param name="epoch">The pass, from 0.</param>
    public int[][] Epoch(int epoch)
    {
        int[] order = _shuffle ? _rng.Permutation(_packs.Length, (ulong)epoch) : [.. Enumerable.Range(0, _packs.Length)];
        return [.. order.Chunk(_batchSize).Select(chunk => chunk.SelectMany(pack => _packs[pack]).ToArray())];
    }

    /// <summary>The examples in their own order, for evaluation.</summary>
    public static IEnumerable<Example[]> InOrder(IReadOnlyList<Example> examples, int batchSize) => examples.Chunk(batchSize);

    // Best fit, longest first: each row goes into the fullest pack that still has room for it.
    private static int[][] Pack(IReadOnlyList<Example> examples, int length)
    {
        var packs = new List<List<int>>();
        var byRoom = new SortedSet<(int Room, int Pack)>();
        foreach (int i in Enumerable.Range(0, examples.Count).OrderByDescending(i => examples[i].Ids.Length).ThenBy(i => i))
        {
            int tokens = examples[i].Ids.Length;
            (int Room, int Pack) found = byRoom.GetViewBetween((tokens, 0), (int.MaxValue, int.MaxValue)).FirstOrDefault((-1, -1));
            if (found.Pack < 0)
            {
                packs.Add([]);
                found = (length, packs.Count - 1);
            }
            else
            {
                byRoom.Remove(found);
            }

            packs[found.Pack].Add(i);
            byRoom.Add((found.Room - tokens, found.Pack));
        }

        return [.. packs.Select(pack => pack.ToArray())];
    }
}
