namespace Hieno.Tensors;

public static partial class Ops
{
    /// <summary>Keeps numbers within ± a limit without a corner: limit · tanh(x / limit).</summary>
    /// <param name="x">Any shape.</param>
    /// <param name="limit">The limit, above 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">The limit is not above 0.</exception>
    /// <remarks>Gemma 2, <see href="https://arxiv.org/abs/2408.00118"/>, section 2.</remarks>
    public static Tensor SoftCap(Tensor x, float limit)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(limit);
        return Scale(Activate(Scale(x, 1f / limit), Activation.Tanh), limit);
    }
}
