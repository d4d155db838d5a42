using Hieno.Tensors;

namespace Hieno.Models.Vision;

/// <summary>Pictures of one size that go through a model together.</summary>
/// <param name="pixels">Their numbers as the model reads them, scaled and shifted, channels last, [N, H, W, C].</param>
public sealed class ImageBatch(Tensor pixels)
{
    private readonly Dictionary<int, TokenBatch> _tokens = [];

    /// <summary>The pictures, [N, H, W, C].</summary>
    public Tensor Pixels { get; } = pixels;

    /// <summary>Number of pictures.</summary>
    public int Count => Pixels.Shape[0];

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
