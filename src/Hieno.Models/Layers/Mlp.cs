using Hieno.Tensors;

namespace Hieno.Models.Layers;

/// <summary>The feed-forward layers of a block: to a wider vector, an activation, and back.</summary>
public sealed class Mlp : Module
{
    private readonly Linear _up;
    private readonly Linear _down;
    private readonly Activation _activation;

    /// <summary>Puts two layers together.</summary>
    /// <param name="path">Their place in the checkpoint.</param>
    /// <param name="up">The layer to the wider vector.</param>
    /// <param name="down">The layer back.</param>
    /// <param name="activation">What lies between them.</param>
    public Mlp(string path, Linear up, Linear down, Activation activation)
        : base(path) => (_up, _down, _activation) = (Add(up), Add(down), activation);

    /// <summary>Computes the layers.</summary>
    /// <param name="x">[N, C].</param>
    /// <returns>[N, C].</returns>
    public Tensor Forward(Tensor x) => _down.Forward(Ops.Activate(_up.Forward(x), _activation)); // [N, C] → [N, H] → [N, C]
}
