using Hieno.Tensors;

namespace Hieno.Models.Layers;

/// <summary>A convolution without offset, the batch normalisation that follows it, and an activation function.</summary>
public sealed class ConvolutionUnit : Module
{
    private readonly Convolution _convolution;
    private readonly BatchNorm _norm;
    private readonly Activation _activation;

    /// <summary>Takes in the layers.</summary>
    /// <param name="convolution">The convolution.</param>
    /// <param name="norm">The normalisation of its features.</param>
    /// <param name="activation">What follows; <see cref="Activation.Identity"/> for nothing.</param>
    public ConvolutionUnit(Convolution convolution, BatchNorm norm, Activation activation)
        : base(string.Empty)
    {
        (_convolution, _norm, _activation) = (Add(convolution), Add(norm), activation);
    }

    /// <summary>Channels of the output.</summary>
    public int Features => _convolution.Features;

    /// <summary>Computes the layers.</summary>
    /// <param name="x">[N, H, W, channels].</param>
    /// <returns>[N, H', W', <see cref="Features"/>].</returns>
    public Tensor Forward(Tensor x) => Ops.Activate(_norm.Forward(_convolution.Forward(x)), _activation);
}
