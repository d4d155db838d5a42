namespace Hieno.Models.Layers;

/// <summary>What of a linear layer an update changes: by this it is known which others may stand beside it, and in which order.</summary>
public enum LinearUpdateForm
{
    /// <summary>Adds to the output what it computes from the layer's input alone: y + f(x).</summary>
    AddsToOutput,

    /// <summary>Multiplies each output: l ∘ y.</summary>
    ScalesOutput,

    /// <summary>Adds to the weight before the product: (W + Δ)x.</summary>
    AddsToWeight,

    /// <summary>Changes what the product reads: W(Tx).</summary>
    ChangesInput,

    /// <summary>Computes the whole weight anew from the one it finds, so that no other update may stand beside it.</summary>
    RemakesWeight,
}
