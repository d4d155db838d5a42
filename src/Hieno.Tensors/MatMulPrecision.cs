namespace Hieno.Tensors;

/// <summary>How the operands of matrix products are rounded before they are multiplied. Everything else is computed in 32 bits.</summary>
public enum MatMulPrecision
{
    /// <summary>Not at all: operands are 32-bit singles.</summary>
    Fp32,

    /// <summary>
    /// To bf16, the nearest one, ties to even; products are added up in 32 bits. Weights, activations, gradients, sums and the optimizer
    /// stay 32-bit. Twice as fast where the processor has such an instruction.
    /// </summary>
    Bf16,
}
