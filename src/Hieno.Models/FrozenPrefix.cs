using Hieno.Tensors;

namespace Hieno.Models;

/// <summary>
/// What the embeddings and the lowest blocks compute, remembered for each row of data. While nothing in them learns and nothing is drawn
/// at random, it is the same in every pass over the data, so it is computed once.
/// </summary>
/// <remarks>
/// Rows of a batch never see each other, and kernels add up in an order that does not depend on the batch, so a remembered row has the
/// bits that it would be given in any other batch. Rows are told apart by their tokens. The weights below must not change meanwhile.
/// </remarks>
public sealed class FrozenPrefix : IDisposable
{
    private readonly RowStore _store;
    private readonly Dictionary<RowKey, RowStore.Place> _known = [];
    private bool? _hasDropout;

    /// <summary>Starts with nothing remembered.</summary>
    /// <param name="blocks">How many of the lowest blocks are frozen, with the embeddings; all of them where only the head learns.</param>
    /// <param name="store">Where to keep what they compute; disposed with this.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="blocks"/> is not positive.</exception>
    public FrozenPrefix(int blocks, RowStore store)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(blocks, 1);
        ArgumentNullException.ThrowIfNull(store);
        (Blocks, _store) = (blocks, store);
    }

    /// <summary>How many of the lowest blocks are frozen.</summary>
    public int Blocks { get; }

    /// <summary>
    /// True leaves dropout out of the frozen blocks while training, so that what they compute stays the same. False (default) keeps it,
    /// so that batches with dropout are computed anew each time where these blocks have any.
    /// </summary>
    public bool WithoutDropout { get; init; }

    /// <summary>Rows computed so far.</summary>
    public long Computed { get; private set; }

    /// <summary>How often a remembered row was used instead of computing it.</summary>
    public long Reused { get; private set; }

    /// <summary>Bytes of what is remembered.</summary>
    public long Bytes => _store.MemoryBytes + _store.FileBytes;

    /// <summary>True when the frozen part of a model draws dropout masks while it is trained.</summary>
    public bool HasDropout(Backbone backbone)
    {
        ArgumentNullException.ThrowIfNull(backbone);
        var source = new DropoutSource(new Rng(0, RngStream.Dropout), 0);
        using Tape tape = Tape.Begin(record: false, source, backbone.TokenTable.Value.Backend);
        Compute(backbone, new TokenBatch([0], [1]), null);
        return source.IsUsed;
    }

    /// <summary>Forgets everything.</summary>
    public void Dispose()
    {
        _known.Clear();
        _store.Dispose();
    }

    /// <summary>True where what is remembered is what a batch would be given now.</summary>
    internal bool Applies(Backbone backbone, TokenBatch batch) =>
        batch.Cache is null && batch.Adapters is null
        && backbone.RowsAreIndependent(batch)
        && (WithoutDropout || Tape.Current?.Dropout is null || !(_hasDropout ??= HasDropout(backbone)));

    /// <summary>What the frozen part gives a batch; rows that are not known yet are computed, the others copied.</summary>
    /// <returns>[N, C]; where all blocks are frozen, and only some tokens are wanted, [tokens, C].</returns>
    internal Tensor Read(Backbone backbone, TokenBatch batch, int[]? tokens)
    {
        int[]? wanted = Blocks == backbone.Blocks.Count ? tokens : null;
        Row[] rows = CutIntoRows(batch, wanted);
        Tensor x = Tensor.Create([wanted?.Length ?? batch.Ids.Length, backbone.Width], backbone.TokenTable.Value.Backend);
        var missing = new List<Row>();
        foreach (Row row in rows.Where(row => row.Count > 0))
        {
            if (_known.TryGetValue(row.Key, out RowStore.Place place))
            {
                _store.Read(place, x.RowRange(row.First, row.Count));
                Reused++;
            }
            else
            {
                missing.Add(row);
            }
        }

        if (missing.Count > 0)
        {
            ComputeMissing(backbone, batch, missing, x);
        }

        return x;
    }

    private void ComputeMissing(Backbone backbone, TokenBatch batch, List<Row> missing, Tensor x)
    {
        TokenBatch part = PartOf(batch, missing, out int[]? tokens);
        using Tape tape = Tape.Begin(record: false, backend: x.Backend); // no dropout, and its memory is free again at the end
        Tensor computed = Compute(backbone, part, tokens);
        int first = 0;
        foreach (Row row in missing)
        {
            Tensor vectors = computed.RowRange(first, row.Count);
            first += row.Count;
            x.Backend.Copy(vectors, x.RowRange(row.First, row.Count));
            if (!_known.ContainsKey(row.Key) && _store.Add(vectors) is { } place)
            {
                _known.Add(row.Key, place);
            }
        }

        Computed += missing.Count;
    }

    private Tensor Compute(Backbone backbone, TokenBatch batch, int[]? tokens) =>
        backbone.RunBlocks(backbone.Embed(batch), 0, Blocks, batch, tokens);

    private static TokenBatch PartOf(TokenBatch batch, List<Row> rows, out int[]? tokens)
    {
        int[] ids = [.. rows.SelectMany(row => row.Key.Ids)];
        int[]? types = batch.TokenTypes is null ? null : [.. rows.SelectMany(row => row.Key.Types!)];
        tokens = null;
        if (rows[0].Key.Wanted is not null)
        {
            var places = new List<int>();
            int start = 0;
            foreach (Row row in rows)
            {
                places.AddRange(row.Key.Wanted!.Select(place => start + place));
                start += row.Key.Ids.Length;
            }

            tokens = [.. places];
        }

        int[]? given = rows[0].Key.Given is null ? null : [.. rows.Select(row => row.Key.Given!.Value)];
        return new TokenBatch(ids, [.. rows.Select(row => row.Key.Ids.Length)]) { TokenTypes = types, GivenLengths = given };
    }

    private static Row[] CutIntoRows(TokenBatch batch, int[]? wanted)
    {
        MatMulPrecision precision = Tape.Current?.Precision ?? MatMulPrecision.Fp32;
        var rows = new Row[batch.Rows];
        (int start, int next) = (0, 0);
        for (int r = 0; r < rows.Length; r++)
        {
            int length = batch.Lengths[r];
            int first = next;
            while (wanted is not null && next < wanted.Length && wanted[next] < start + length)
            {
                next++;
            }

            int from = start;
            var key = new RowKey(
                batch.Ids[start..(start + length)],
                batch.TokenTypes?[start..(start + length)],
                wanted is null ? null : Array.ConvertAll(wanted[first..next], token => token - from),
                batch.GivenLengths?[r],
                precision);
            rows[r] = wanted is null ? new Row(key, start, length) : new Row(key, first, next - first);
            start += length;
        }

        return rows;
    }

    /// <summary>A row of a batch.</summary>
    /// <param name="Key">What it is known by.</param>
    /// <param name="First">Its first vector in the result.</param>
    /// <param name="Count">Its vectors.</param>
    private readonly record struct Row(RowKey Key, int First, int Count);

    /// <summary>A row's tokens, their types, which of them are wanted where not all are, how many are the prompt, and how matrix products are rounded.</summary>
    private sealed class RowKey(int[] ids, int[]? types, int[]? wanted, int? given, MatMulPrecision precision) : IEquatable<RowKey>
    {
        public int[] Ids { get; } = ids;

        public int[]? Types { get; } = types;

        public int[]? Wanted { get; } = wanted;

        public int? Given { get; } = given; // a frozen adapter may change the prompt's last tokens only

        private readonly MatMulPrecision _precision = precision;

        public bool Equals(RowKey? other) =>
            other is not null && _precision == other._precision && Given == other.Given && Ids.AsSpan().SequenceEqual(other.Ids)
            && AreEqual(Types, other.Types) && AreEqual(Wanted, other.Wanted);

        public override bool Equals(object? obj) => Equals(obj as RowKey);

        public override int GetHashCode()
        {
            var hash = default(HashCode);
            hash.AddBytes(System.Runtime.InteropServices.MemoryMarshal.AsBytes(Ids.AsSpan()));
            hash.AddBytes(System.Runtime.InteropServices.MemoryMarshal.AsBytes((Wanted ?? []).AsSpan()));
            return hash.ToHashCode();
        }

        private static bool AreEqual(int[]? a, int[]? b) => a is null == b is null && a.AsSpan().SequenceEqual(b);
    }
}
