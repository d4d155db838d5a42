using Hieno.Tensors;

namespace Hieno.Models;

/// <summary>Keys and values of the tokens seen so far, so that generating a token costs one token and not the whole text.</summary>
/// <remarks>Memory grows with the longest text, by half each time, and not beyond the capacity.</remarks>
public sealed class KvCache
{
    private const int Step = 256; // tokens; memory grows by whole steps

    private readonly Tensor[] _keys;
    private readonly Tensor[] _values;
    private readonly int[] _lengths;
    private readonly int _width;
    private readonly Backend _backend;
    private KvCache? _beside;

    /// <summary>An empty cache.</summary>
    /// <param name="layers">Attention layers of the model.</param>
    /// <param name="rows">Texts generated side by side.</param>
    /// <param name="capacity">The most tokens a text can have.</param>
    /// <param name="width">Width of a key or value: key-value heads · head width.</param>
    /// <param name="backend">Where it lies; the default backend when null.</param>
    public KvCache(int layers, int rows, int capacity, int width, Backend? backend = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rows, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        (Capacity, _width, _backend) = (capacity, width, backend ?? Backend.Default);
        _lengths = new int[rows];
        _keys = new Tensor[layers];
        _values = new Tensor[layers];
        for (int layer = 0; layer < layers; layer++)
        {
            (_keys[layer], _values[layer]) = (Reserve(0), Reserve(0));
        }
    }

    /// <summary>The most tokens a text can have.</summary>
    public int Capacity { get; }

    /// <summary>The tokens for which each text has memory at present.</summary>
    public int Reserved { get; private set; }

    /// <summary>Bytes of keys and values that are reserved at present: 2 · layers · <see cref="Rows"/> · <see cref="Reserved"/> · width · 4.</summary>
    public long Bytes => 2L * _keys.Length * Rows * Reserved * _width * sizeof(float);

    /// <summary>Texts generated side by side.</summary>
    public int Rows => _lengths.Length;

    /// <summary>Tokens of text <paramref name="row"/> that the cache holds, virtual ones included.</summary>
    public int Length(int row) => _lengths[row];

    /// <summary>Forgets all tokens; the memory stays reserved.</summary>
    public void Clear()
    {
        Array.Clear(_lengths);
        _beside?.Clear();
    }

    /// <summary>The cache of a network beside the body, for the same texts.</summary>
    internal KvCache Beside(int layers, int width) => _beside ??= new KvCache(layers, Rows, Capacity, width, _backend);

    /// <summary>Adds the new tokens' keys and values of a layer behind the old ones.</summary>
    /// <returns>All keys and values of the layer: text r begins at row r · <see cref="Reserved"/>.</returns>
    internal (Tensor Keys, Tensor Values) Append(int layer, TokenBatch batch, Tensor keys, Tensor values)
    {
        MakeRoom(batch);
        int from = 0;
        for (int row = 0; row < batch.Rows; row++)
        {
            int count = batch.PrefixLength(row) + batch.Lengths[row];
            int text = batch.CacheRow(row);
            int to = (text * Reserved) + _lengths[text];
            keys.Backend.Copy(keys.RowRange(from, count), _keys[layer].RowRange(to, count));
            values.Backend.Copy(values.RowRange(from, count), _values[layer].RowRange(to, count));
            from += count;
        }

        return (_keys[layer], _values[layer]);
    }

    /// <summary>Counts the batch's tokens as held; called once all layers have appended them.</summary>
    internal void Advance(TokenBatch batch)
    {
        for (int row = 0; row < batch.Rows; row++)
        {
            _lengths[batch.CacheRow(row)] += batch.PrefixLength(row) + batch.Lengths[row];
        }
    }

    /// <summary>What the batch's tokens see: the old tokens of their text and the new ones up to themselves.</summary>
    /// <exception cref="ArgumentException">The batch's rows do not fit the cache's texts, or a text would grow beyond the capacity.</exception>
    internal AttentionSpans Spans(TokenBatch batch, int? window)
    {
        ThrowUnlessFit(batch);
        MakeRoom(batch);
        int[] start = new int[batch.Ids.Length];
        int[] end = new int[batch.Ids.Length];
        int token = 0;
        for (int row = 0; row < batch.Rows; row++)
        {
            int text = batch.CacheRow(row);
            int past = _lengths[text] + batch.PrefixLength(row);
            for (int i = 0; i < batch.Lengths[row]; i++, token++)
            {
                int position = past + i;
                start[token] = (text * Reserved) + Math.Max(0, window is { } w ? position - w + 1 : 0);
                end[token] = (text * Reserved) + position + 1;
            }
        }

        return new AttentionSpans(start, end);
    }

    /// <summary>Checks that each row of the batch continues a text of its own.</summary>
    /// <exception cref="ArgumentException">The batch has another number of rows, or names a text twice or one that is not there.</exception>
    internal void ThrowUnlessFit(TokenBatch batch)
    {
        if (batch.CacheRows is not { } texts)
        {
            if (batch.Rows != Rows)
            {
                throw new ArgumentException($"The batch has {batch.Rows} rows, the cache was made for {Rows}.", nameof(batch));
            }

            return;
        }

        if (texts.Length != batch.Rows || Array.Exists(texts, text => (uint)text >= (uint)Rows) || texts.Distinct().Count() != texts.Length)
        {
            throw new ArgumentException(
                $"The batch's {batch.Rows} rows continue the texts [{string.Join(", ", texts)}] of a cache of {Rows}; name one for each row, each once.", nameof(batch));
        }
    }

    // Called before anything of the batch is stored, so that all layers and spans see the same places.
    private void MakeRoom(TokenBatch batch)
    {
        int needed = 0;
        for (int row = 0; row < batch.Rows; row++)
        {
            int text = batch.CacheRow(row);
            int length = _lengths[text] + batch.PrefixLength(row) + batch.Lengths[row];
            if (length > Capacity)
            {
                throw new ArgumentException($"Text {text} would grow to {length} tokens; the cache was made for {Capacity}.", nameof(batch));
            }

            needed = Math.Max(needed, length);
        }

        if (needed > Reserved)
        {
            long wanted = Math.Max(needed, Reserved + (Reserved / 2L));
            Grow((int)Math.Min(Capacity, (wanted + Step - 1) / Step * Step));
        }
    }

    // The old memory goes back when it is collected; the collector knows of its size and does not wait for long.
    private void Grow(int tokens)
    {
        for (int layer = 0; layer < _keys.Length; layer++)
        {
            _keys[layer] = Moved(_keys[layer], tokens);
            _values[layer] = Moved(_values[layer], tokens);
        }

        Reserved = tokens;
    }

    private Tensor Moved(Tensor from, int tokens)
    {
        Tensor to = Reserve(tokens);
        for (int text = 0; text < Rows; text++)
        {
            if (_lengths[text] > 0)
            {
                _backend.Copy(from.RowRange(text * Reserved, _lengths[text]), to.RowRange(text * tokens, _lengths[text]));
            }
        }

        return to;
    }

    private Tensor Reserve(int tokens) => Tensor.CreateLongLived([Rows * tokens, _width], DType.F32, _backend);
}
