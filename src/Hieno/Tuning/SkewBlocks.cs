using Hieno.Tensors;

namespace Hieno.Tuning;

/// <summary>
/// Skew-symmetric matrices S_1 … S_D side by side, [b, D·b], from the numbers that a method learns, and the orthogonal matrices that follow
/// from them.
/// </summary>
internal sealed class SkewBlocks
{
    private readonly int _size;
    private readonly int[] _above;
    private readonly int[] _below;
    private readonly float[] _signs;

    private SkewBlocks(int size, int[] above, int[] below, float[] signs) => (_size, _above, _below, _signs) = (size, above, below, signs);

    /// <summary>S = ½(X − Xᵀ) of whole matrices, [D, b, b]; with <paramref name="shared"/> of one, [1, b, b].</summary>
    public static SkewBlocks OfSquares(int blocks, int size, bool shared) => Create(blocks, size, shared, size * size, (i, j) => (i * size) + j, 0.5f);

    /// <summary>S = X − Xᵀ of the numbers above the diagonals, row by row, [D, b(b − 1)/2]; with <paramref name="shared"/> of one, [1, b(b − 1)/2].</summary>
    public static SkewBlocks OfTriangles(int blocks, int size, bool shared) => Create(
        blocks, size, shared, size * (size - 1) / 2, (i, j) => (Math.Min(i, j) * ((2 * size) - Math.Min(i, j) - 1) / 2) + Math.Max(i, j) - Math.Min(i, j) - 1, 0f);

    /// <summary>The matrices.</summary>
    public Tensor Of(Tensor numbers)
    {
        Tensor flat = Ops.Reshape(numbers, [checked((int)numbers.Count), 1]);
        Shape shape = [_size, _above.Length / _size];
        Tensor signs = Tensor.FromValues(shape, _signs, numbers.Backend);
        Tensor above = Ops.Mul(Ops.Reshape(Ops.Rows(flat, _above), shape), signs);
        return _below.Length == 0 ? above : Ops.Add(above, Ops.Scale(Ops.Mul(Ops.Reshape(Ops.Rows(flat, _below), shape), signs), -1f));
    }

    /// <summary>Cayley's map, (I − S)(I + S)⁻¹: orthogonal for every skew-symmetric S.</summary>
    public static Tensor Cayley(Tensor skew) => Ops.Add(Ops.Scale(Ops.BlockInverse(Ops.Add(skew, Units(skew, 1f))), 2f), Units(skew, -1f));

    /// <summary>The start of the series of (I + S)(I − S)⁻¹ = I + 2S + 2S² + …, which is orthogonal only nearly.</summary>
    /// <param name="skew">S.</param>
    /// <param name="terms">How many terms, I being the first.</param>
    /// <param name="halfLast">True takes the last power once instead of twice.</param>
    public static Tensor Series(Tensor skew, int terms, bool halfLast)
    {
        (Tensor sum, Tensor power) = (Units(skew, 1f), skew);
        for (int n = 1; n < terms; n++)
        {
            power = n == 1 ? skew : Ops.BlockLinear(power, skew);
            sum = Ops.Add(sum, Ops.Scale(power, halfLast && n > 2 && n == terms - 1 ? 1f : 2f));
        }

        return sum;
    }

    // Without a part below (half is 0) one number gives two places of S, once with each sign.
    private static SkewBlocks Create(int blocks, int size, bool shared, int each, Func<int, int, int> place, float half)
    {
        int[] above = new int[size * blocks * size];
        int[] below = new int[half == 0 ? 0 : above.Length];
        float[] signs = new float[above.Length];
        for (int n = 0; n < above.Length; n++)
        {
            (int i, int block, int j) = (n / (blocks * size), n / size % blocks, n % size);
            int start = shared ? 0 : block * each;
            signs[n] = half != 0 ? half : Math.Sign(j - i);
            above[n] = start + (half == 0 && i == j ? 0 : place(i, j));
            if (half != 0)
            {
                below[n] = start + place(j, i);
            }
        }

        return new SkewBlocks(size, above, below, signs);
    }

    private static Tensor Units(Tensor like, float value)
    {
        float[] values = new float[like.Count];
        for (int i = 0; i < like.Rows; i++)
        {
            for (int j = i; j < like.Columns; j += like.Rows)
            {
                values[(i * like.Columns) + j] = value;
            }
        }

        return Tensor.FromValues(like.Shape, values, like.Backend);
    }
}
