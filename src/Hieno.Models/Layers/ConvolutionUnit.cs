using Hieno.Tensors;

namespace Hieno.Models.Layers;

/// <summary>A convolution, the batch normalisation that follows it in most networks, and an activation function.</summary>
public sealed class ConvolutionUnit : Module
{
    private readonly Convolution _convolution;
    private readonly BatchNorm? _norm;
    private readonly Activation _activation;

    /// <summary>Takes in the layers.</summary>
    /// <param name="convolution">The convolution.</param>
    /// <param name="norm">The normalisation of its features, or null for none.</param>
    /// <param name="activation">What follows; <see cref="Activation.Identity"/> for nothing.</param>
    public ConvolutionUnit(Convolution convolution, BatchNorm? norm, Activation activation)
        : base(string.Empty)
    {
        (_convolution, _norm, _activation) = (Add(convolution), norm is null ? null : Add(norm), activation);
    }

    /// <summary>Channels of the output.</summary>
    public int Features => _convolution.Features;

    /// <summary>Computes the layers.</summary>
    /// <param name="x">[N, H, W, channels].</param>
    /// <returns>[N, H', W', <see cref="Features"/>].</returns>
    public Tensor Forward(Tensor x)
    {
        Tensor y = _convolution.Forward(x);
        return _norm is null ? Ops.Activate(y, _activation) : _norm.Forward(y, _activation);
    }
}
