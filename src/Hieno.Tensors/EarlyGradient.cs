namespace Hieno.Tensors;

/// <summary>
/// The gradient of a weight, computed in the forward pass. Where the weight has no other gradient by the time of the backward pass, this
/// one's memory becomes it, so that handing it over costs neither memory nor time.
/// </summary>
/// <remarks>Where no backward pass follows, the weight is left as it was.</remarks>
internal sealed class EarlyGradient
{
    private readonly Tensor _weight;
    private readonly bool _canBecomeGrad;

    /// <summary>Finds memory for the gradient of <paramref name="weight"/>; the content is undefined at first.</summary>
    public EarlyGradient(Tensor weight)
    {
        _weight = weight;
        _canBecomeGrad = weight is { Producer: null, GradOwner: null, Grad: null };
        Buffer = _canBecomeGrad
            ? new Tensor(weight.Backend.Lease(weight.Count * sizeof(float)), weight.Shape)
            : Tensor.Create(weight.Shape, weight.Backend);
    }

    /// <summary>The buffer of an input's gradient, and whether it already holds other shares: <see cref="Backward"/>'s GradOf.</summary>
    public delegate Tensor GradientBuffer(Tensor input, out bool accumulate);

    /// <summary>Gets the gradient of a loss of 1.</summary>
    public Tensor Buffer { get; }

    /// <summary>Sets the gradient to zero.</summary>
    public void Clear() => Buffer.Backend.Fill(Buffer, 0f);

    /// <summary>Adds dy times the gradient to the weight's.</summary>
    /// <param name="dy">The gradient of the loss, [1].</param>
    /// <param name="gradOf">Finds the weight's buffer where this one does not become it.</param>
    public void HandOver(Tensor dy, GradientBuffer gradOf)
    {
        if (_canBecomeGrad && _weight.Grad is null)
        {
            dy.Backend.AddScaled(Buffer, dy, Buffer, add: false);
            Buffer.Storage.Holds++;
            _weight.Grad = Buffer;
            return;
        }

        Tensor gradient = gradOf(_weight, out bool add);
        dy.Backend.AddScaled(Buffer, dy, gradient, add);
    }
}
