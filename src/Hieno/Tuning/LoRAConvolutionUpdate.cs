using Hieno.Models;
using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Tuning;

/// <summary>The trainable pair A, B beside a convolution: A's r filters move as the layer's own do, B mixes what they give, pixel by pixel.</summary>
/// <remarks>Hu et al. 2021, <see href="https://arxiv.org/abs/2106.09685"/>, section 4.1, on filters as PEFT reads it: s·B·A is a change of the layer's filters.</remarks>
public sealed class LoRAConvolutionUpdate : ConvolutionUpdate
{
    private readonly float _scale;
    private readonly float _dropout;

    /// <summary>Makes the pair.</summary>
    /// <param name="layer">The layer, whose filters read all channels.</param>
    /// <param name="adapter">The adapter's name.</param>
    /// <param name="a">A, [r, channels, height, width], long-lived.</param>
    /// <param name="b">B, [features, r, 1, 1], long-lived.</param>
    /// <param name="scale">s.</param>
    /// <param name="dropout">Probability of dropping an input.</param>
    public LoRAConvolutionUpdate(Convolution layer, string adapter, Tensor a, Tensor b, float scale, float dropout)
        : base(layer, adapter)
    {
        ArgumentNullException.ThrowIfNull(layer);
        (A, B, _scale, _dropout) = (layer.CreateUpdateWeight(LoRALayout.PartA, a), layer.CreateUpdateWeight(LoRALayout.PartB, b), scale, dropout);
        Parameters = [A, B];
    }

    /// <summary>A, [r, channels, height, width].</summary>
    public Parameter A { get; }

    /// <summary>B, [features, r, 1, 1].</summary>
    public Parameter B { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<Parameter> Parameters { get; }

    /// <summary>The shape of A for a layer.</summary>
    public static Shape ShapeOfA(Convolution layer, int rank)
    {
        ArgumentNullException.ThrowIfNull(layer);
        return [rank, layer.Channels, layer.Kernel.Height, layer.Kernel.Width];
    }

    /// <summary>The shape of B for a layer.</summary>
    public static Shape ShapeOfB(Convolution layer, int rank)
    {
        ArgumentNullException.ThrowIfNull(layer);
        return [layer.Features, rank, 1, 1];
    }

    /// <inheritdoc/>
    public override Tensor Apply(Tensor x, Tensor y)
    {
        Tensor low = Ops.Scale(Layer.Slide(Ops.Dropout(x, _dropout), A), _scale);            // [N, H', W', r]
        return Ops.Add(y, Ops.Convolution(low, B, null, new SlidingAxis(), new SlidingAxis())); // [N, H', W', features]
    }

    /// <inheritdoc/>
    public override void Merge()
    {
        using Tape tape = Tape.Begin(record: false, backend: Layer.Weight.Base.Backend);
        (int rank, int depth) = (A.Value.Shape[0], (int)(A.Count / A.Value.Shape[0]));
        Tensor change = Ops.Linear(Ops.Scale(B.Value.View([Layer.Features, rank]), _scale), A.Value.View([rank, depth]), transposed: true); // [features, r]·[r, depth]
        change.Backend.AddInto(change, Layer.Weight.Base.View([Layer.Features, depth]));
    }
}
