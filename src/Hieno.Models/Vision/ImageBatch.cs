using Hieno.Tensors;

namespace Hieno.Models.Vision;

/// <summary>Pictures of one size that go through a model together.</summary>
public sealed class ImageBatch
{
    private readonly Dictionary<int, TokenBatch> _tokens = [];
    private readonly Func<IReadOnlyList<int>, float[]>? _read;
    private readonly Shape _shape;
    private float[]? _numbers;
    private Tensor? _pixels;
    private Tape? _tape;

    /// <summary>Takes pictures as they are.</summary>
    /// <param name="pixels">Their numbers as the model reads them, scaled and shifted, channels last, [N, H, W, C].</param>
    public ImageBatch(Tensor pixels)
    {
        ArgumentNullException.ThrowIfNull(pixels);
        (_pixels, _shape) = (pixels, pixels.Shape);
    }

    /// <summary>Pictures that are read when a model asks for them, and not where it remembers what it made of them.</summary>
    /// <param name="count">Number of pictures, N.</param>
    /// <param name="input">Their size and channels.</param>
    /// <param name="read">Gives the numbers of some of them, by their places in the batch, each [H, W, C].</param>
    /// <param name="keys">What tells the pictures apart, [N]: equal keys stand for equal numbers. Null where the same picture may be given other numbers the next time.</param>
    public ImageBatch(int count, ImageInput input, Func<IReadOnlyList<int>, float[]> read, IReadOnlyList<object>? keys = null)
        : this([count, (input ?? throw new ArgumentNullException(nameof(input))).Height, input.Width, input.Channels], read, keys)
    {
        ArgumentNullException.ThrowIfNull(read);
    }

    private ImageBatch(Shape shape, Func<IReadOnlyList<int>, float[]> read, IReadOnlyList<object>? keys) => (_shape, _read, Keys) = (shape, read, keys);

    /// <summary>The pictures, [N, H, W, C]; of pictures that are read when asked for, on the tape that is open.</summary>
    public Tensor Pixels
    {
        get
        {
            if (_read is null)
            {
                return _pixels!;
            }

            // A tensor belongs to the step, or the part of a step, in which it was made.
            if (_pixels is null || _tape != Tape.Current || _pixels.Storage.Pointer == 0)
            {
                _numbers ??= _read([.. Enumerable.Range(0, Count)]);
                (_pixels, _tape) = (Tensor.FromValues(_shape, _numbers, Tape.Current?.Backend), Tape.Current);
            }

            return _pixels;
        }
    }

    /// <summary>The size of the pictures; what is subtracted and divided by was done when they were read.</summary>
    internal ImageInput Input => new(_shape[1], _shape[2], new float[_shape[3]], new float[_shape[3]]);

    /// <summary>What tells the pictures apart, or null: see the constructor.</summary>
    public IReadOnlyList<object>? Keys { get; }

    /// <summary>Number of pictures.</summary>
    public int Count => _shape[0];

    /// <summary>Some pictures of a batch that is read when asked for.</summary>
    /// <param name="places">Their places in this batch.</param>
    internal ImageBatch Part(IReadOnlyList<int> places) =>
        new([places.Count, _shape[1], _shape[2], _shape[3]], inner => _read!([.. inner.Select(i => places[i])]), Keys is { } keys ? [.. places.Select(i => keys[i])] : null);

    /// <summary>The rows that a transformer sees: <paramref name="tokens"/> vectors for each picture, without ids.</summary>
    /// <param name="tokens">Vectors for each picture, at least 1.</param>
    public TokenBatch Rows(int tokens)
    {
        if (!_tokens.TryGetValue(tokens, out TokenBatch? rows))
        {
            int[] ids = new int[Count * tokens];
            Array.Fill(ids, -1);
            _tokens[tokens] = rows = new TokenBatch(ids, [.. Enumerable.Repeat(tokens, Count)]);
        }

        return rows;
    }
}
