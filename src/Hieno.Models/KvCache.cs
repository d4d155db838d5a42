using Hieno.Tensors;

namespace Hieno.Models;

/// <summary>Keys and values of the tokens seen so far, so that generating a token costs one token and not the whole text.</summary>
public sealed class KvCache
{
    private readonly Tensor[] _keys;
    private readonly Tensor[] _values;
    private readonly int[] _lengths;

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
        Capacity = capacity;
        _lengths = new int[rows];
        _keys = new Tensor[layers];
        _values = new Tensor[layers];
        for (int layer = 0; layer < layers; layer++)
        {
            _keys[layer] = Tensor.CreateLongLived([rows * capacity, width], DType.F32, backend);
            _values[layer] = Tensor.CreateLongLived([rows * capacity, width], DType.F32, backend);
        }
    }

    /// <summary>The most tokens a text can have.</summary>
    public int Capacity { get; }

    /// <summary>Texts generated side by side.</summary>
    public int Rows => _lengths.Length;

    /// <summary>Tokens of text <paramref name="row"/> that the cache holds, virtual ones included.</summary>
    public int Length(int row) => _lengths[row];

    /// <summary>Forgets all tokens.</summary>
    public void Clear() => Array.Clear(_lengths);

    /// <summary>Adds the new tokens' keys and values of a layer behind the old ones.</summary>
    /// <returns>All keys and values of the layer: text r begins at row r · <see cref="Capacity"/>.</returns>
    internal (Tensor Keys, Tensor Values) Append(int layer, TokenBatch batch, Tensor keys, Tensor values)
    {
        int from = 0;
        for (int row = 0; row < batch.Rows; row++)
        {
            int count = batch.PrefixLength(row) + batch.Lengths[row];
            int text = batch.CacheRow(row);
            int to = (text * Capacity) + _lengths[text];
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
        int[] start = new int[batch.Ids.Length];
        int[] end = new int[batch.Ids.Length];
        int token = 0;
        for (int row = 0; row < batch.Rows; row++)
        {
            int text = batch.CacheRow(row);
            int past = _lengths[text] + batch.PrefixLength(row);
            if (past + batch.Lengths[row] > Capacity)
            {
                throw new ArgumentException($"Text {text} would grow to {past + batch.Lengths[row]} tokens; the cache was made for {Capacity}.", nameof(batch));
            }

            for (int i = 0; i < batch.Lengths[row]; i++, token++)
            {
                int position = past + i;
                start[token] = (text * Capacity) + Math.Max(0, window is { } w ? position - w + 1 : 0);
                end[token] = (text * Capacity) + position + 1;
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
}
