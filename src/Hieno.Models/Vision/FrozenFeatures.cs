using Hieno.Tensors;

namespace Hieno.Models.Vision;

/// <summary>
/// What the stem and the lowest blocks of a vision model compute, remembered for each picture. While nothing in them learns and nothing is drawn
/// at random, it is the same in every pass over the data, so it is computed once, and the picture is not decoded again either.
/// </summary>
/// <remarks>
/// Pictures of a batch never see each other: frozen normalisation reads its running statistics. Kernels add up in an order that does not depend on
/// the batch, so a remembered picture has the bits that it would be given in any other batch. The weights below must not change meanwhile.
/// </remarks>
public sealed class FrozenFeatures : IDisposable
{
    private readonly Func<int, RowStore> _create;
    private readonly Dictionary<(object Key, MatMulPrecision Precision), RowStore.Place> _known = [];
    private RowStore? _store;
    private bool _hasDropout;
    private int[] _shape = []; // of one picture's features; with several, the first extent is as many times as long

    /// <summary>Starts with nothing remembered.</summary>
    /// <param name="blocks">How many of the lowest blocks are frozen, with the stem; all of them where only the head learns.</param>
    /// <param name="store">Makes the place where vectors of a width are kept; disposed with this.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="blocks"/> is not positive.</exception>
    public FrozenFeatures(int blocks, Func<int, RowStore> store)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(blocks, 1);
        ArgumentNullException.ThrowIfNull(store);
        (Blocks, _create) = (blocks, store);
    }

    /// <summary>How many of the lowest blocks are frozen.</summary>
    public int Blocks { get; }

    /// <summary>True leaves dropout out of the frozen blocks while training; see <see cref="FrozenPrefix.WithoutDropout"/>.</summary>
    public bool WithoutDropout { get; init; }

    /// <summary>Pictures computed so far.</summary>
    public long Computed { get; private set; }

    /// <summary>How often a remembered picture was used instead of computing it.</summary>
    public long Reused { get; private set; }

    /// <summary>Bytes of what is remembered.</summary>
    public long Bytes => _store is { } store ? store.MemoryBytes + store.FileBytes : 0;

    /// <summary>True when the frozen part of a model draws dropout masks while it is trained.</summary>
    /// <param name="body">The body.</param>
    /// <param name="input">The size of its pictures.</param>
    public bool HasDropout(VisionBackbone body, ImageInput input)
    {
        Probe(body, input);
        return _hasDropout;
    }

    /// <summary>Forgets everything.</summary>
    public void Dispose()
    {
        _known.Clear();
        _store?.Dispose();
    }

    /// <summary>True where what is remembered is what a batch would be given now.</summary>
    internal bool Applies(VisionBackbone body, ImageBatch batch) =>
        batch.Keys is not null && (WithoutDropout || Tape.Current?.Dropout is null || !HasDropout(body, batch.Input));

    /// <summary>What the frozen part gives a batch; pictures that are not known yet are read and computed, the others copied.</summary>
    internal Tensor Read(VisionBackbone body, ImageBatch batch)
    {
        Probe(body, batch.Input);
        MatMulPrecision precision = Tape.Current?.Precision ?? MatMulPrecision.Fp32;
        (object Key, MatMulPrecision Precision)[] keys = [.. batch.Keys!.Select(key => (key, precision))];
        Tensor x = Tensor.Create([_shape[0] * batch.Count, .. _shape[1..]], Tape.Current?.Backend);
        Tensor vectors = x.View([x.Rows, x.Columns]);
        int each = x.Rows / batch.Count;
        var missing = new List<int>();
        for (int i = 0; i < keys.Length; i++)
        {
            if (_known.TryGetValue(keys[i], out RowStore.Place place))
            {
                _store!.Read(place, vectors.RowRange(i * each, each));
                Reused++;
            }
            else
            {
                missing.Add(i);
            }
        }

        if (missing.Count > 0)
        {
            Compute(body, batch, missing, keys, vectors);
        }

        return x;
    }

    private void Compute(VisionBackbone body, ImageBatch batch, List<int> missing, (object Key, MatMulPrecision Precision)[] keys, Tensor vectors)
    {
        using Tape tape = Tape.Begin(record: false, backend: vectors.Backend); // no dropout, and its memory is free again at the end
        Tensor computed = body.Lowest(Blocks, batch.Part(missing));
        Tensor rows = computed.View([computed.Rows, computed.Columns]);
        int each = rows.Rows / missing.Count;
        _store ??= _create(rows.Columns);
        for (int i = 0; i < missing.Count; i++)
        {
            Tensor own = rows.RowRange(i * each, each);
            own.Backend.Copy(own, vectors.RowRange(missing[i] * each, each));
            if (!_known.ContainsKey(keys[missing[i]]) && _store.Add(own) is { } place)
            {
                _known.Add(keys[missing[i]], place);
            }
        }

        Computed += missing.Count;
    }

    // A picture of zeros tells the shape of the features, and whether masks are drawn for them.
    private void Probe(VisionBackbone body, ImageInput input)
    {
        ArgumentNullException.ThrowIfNull(body);
        ArgumentNullException.ThrowIfNull(input);
        if (_shape.Length > 0)
        {
            return;
        }

        var source = new DropoutSource(new Rng(0, RngStream.Dropout), 0);
        using Tape tape = Tape.Begin(record: false, source, body.Parameters().First().Value.Backend);
        Tensor features = body.Lowest(Blocks, new ImageBatch(1, input, _ => new float[input.Height * input.Width * input.Channels]));
        (_shape, _hasDropout) = (features.Shape.AsSpan().ToArray(), source.IsUsed);
    }
}
