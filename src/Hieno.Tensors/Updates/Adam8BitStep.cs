namespace Hieno.Tensors;

/// <summary>Numbers as 8-bit codes with a scale for each block of <see cref="BlockSize"/>: a quarter of the memory.</summary>
/// <param name="Codes">The codes, <see cref="DType.U8"/>, shaped like the numbers.</param>
/// <param name="Scales">The largest magnitude of each block, [blocks].</param>
public readonly record struct QuantizedTensor(Tensor Codes, Tensor Scales)
{
    /// <summary>Numbers that share a scale.</summary>
    public const int BlockSize = 256;

    /// <summary>Blocks of so many numbers; the last may be shorter.</summary>
    public static int BlocksOf(long count) => checked((int)((count + BlockSize - 1) / BlockSize));
}

public static partial class Updates
{
    /// <summary>
    /// One step of Adam whose means are kept as 8-bit codes: they are expanded block by block, stepped in 32 bits as
    /// <see cref="AdamStep"/> does, and rounded to the nearest code of the block's new scale. A second mean above 0 is never rounded down to 0, so that no step
    /// divides by ε alone.
    /// </summary>
    /// <param name="parameter">The weights w, 32-bit and contiguous.</param>
    /// <param name="grad">Their gradient, same shape, contiguous.</param>
    /// <param name="m">Mean of the gradients, codes with a sign; zero before the first step.</param>
    /// <param name="v">Mean of the squared gradients, codes without a sign; zero before the first step.</param>
    /// <param name="settings">Rates and the number of the step.</param>
    /// <exception cref="ShapeException">The shapes differ, or a tensor has gaps between its rows.</exception>
    /// <exception cref="ArgumentException">The codes are not <see cref="DType.U8"/>.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The step is below 1, or a rate of decay is not within [0, 1).</exception>
    /// <remarks>Dettmers et al. 2022, <see href="https://arxiv.org/abs/2110.02861"/>, section 2, with blocks of 256; rounding up of the smallest second means is Hieno's.</remarks>
    public static void Adam8BitStep(Tensor parameter, Tensor grad, QuantizedTensor m, QuantizedTensor v, AdamSettings settings)
    {
        ThrowUnlessAlike(parameter, nameof(Adam8BitStep), (grad, nameof(grad)));
        ShapeException.ThrowUnless(parameter.IsContiguous && grad.IsContiguous, $"Adam8BitStep: {parameter} or its gradient {grad} has gaps between rows.");
        ThrowUnlessQuantized(m, parameter, nameof(m));
        ThrowUnlessQuantized(v, parameter, nameof(v));
        ThrowUnlessValid(settings);
        parameter.Backend.Adam8BitStep(parameter, grad, m, v, settings);
    }

    private static void ThrowUnlessQuantized(QuantizedTensor quantized, Tensor parameter, string name)
    {
        ArgumentNullException.ThrowIfNull(quantized.Codes, name);
        ArgumentNullException.ThrowIfNull(quantized.Scales, name);
        ShapeException.ThrowIfNot(quantized.Codes, parameter.Shape, nameof(Adam8BitStep), name);
        ShapeException.ThrowIfNot(quantized.Scales, [QuantizedTensor.BlocksOf(parameter.Count)], nameof(Adam8BitStep), name);
        if (quantized.Codes.DType != DType.U8)
        {
            throw new ArgumentException($"Adam8BitStep: the codes of {name} are stored as {quantized.Codes.DType}, expected {DType.U8}.", name);
        }
    }
}

public abstract partial class Backend
{
    /// <summary>Kernel of <see cref="Updates.Adam8BitStep"/>.</summary>
    public abstract void Adam8BitStep(Tensor parameter, Tensor grad, QuantizedTensor m, QuantizedTensor v, AdamSettings settings);
}
