namespace Hieno.Tensors;

/// <summary>
/// The gradient of a weight, computed in the forward pass. It is written where the weight's own gradient will lie whenever that buffer is
/// free, so that handing it over costs neither memory nor time.
/// </summary>
/// <remarks>
/// A free buffer is taken away from the weight until the backward pass: should another operation want to add its share before, it
/// finds none and starts its own, and the two are added. Where no backward pass follows, the weight is simply left without a gradient.
/// </remarks>
internal sealed class EarlyGradient
{
    private readonly Tensor _weight;
    private readonly bool _isOwn; // the buffer can become the weight's lasting gradient

    private EarlyGradient(Tensor weight, Tensor buffer, bool isOwn) => (_weight, Buffer, _isOwn) = (weight, buffer, isOwn);

    /// <summary>Gets the gradient of a loss of 1; the content is undefined at first.</summary>
    public Tensor Buffer { get; }

    /// <summary>Finds memory for the gradient of <paramref name="weight"/>.</summary>
    public static EarlyGradient Borrow(Tensor weight)
    {
        bool isLeaf = weight.Producer is null && weight.GradOwner is null;
        if (!isLeaf || weight.GradIsLent || weight is { Grad: not null, GradIsStale: false })
        {
            return new EarlyGradient(weight, Tensor.Create(weight.Shape, weight.Backend), isOwn: false);
        }

        Tensor buffer = weight.Grad ?? Tensor.CreateLongLived(weight.Shape, DType.F32, weight.Backend);
        (weight.Grad, weight.GradIsStale, weight.GradIsLent) = (null, false, true);
        return new EarlyGradient(weight, buffer, isOwn: true);
    }

    /// <summary>Sets the gradient to zero.</summary>
    public void Clear() => Buffer.Backend.Fill(Buffer, 0f);

    /// <summary>Adds dy times the gradient to the weight's.</summary>
    /// <param name="dy">The gradient of the loss, [1].</param>
    /// <param name="gradOf">Finds the weight's buffer where this one cannot take its place.</param>
    public void HandOver(Tensor dy, GradientBuffer gradOf)
    {
        if (_isOwn)
        {
            _weight.GradIsLent = false;
        }

        if (_isOwn && _weight.Grad is null)
        {
            dy.Backend.AddScaled(Buffer, dy, Buffer, add: false);
            _weight.Grad = Buffer;
            return;
        }

        Tensor gradient = gradOf(_weight, out bool add);
        dy.Backend.AddScaled(Buffer, dy, gradient, add);
    }

    /// <summary>The buffer of an input's gradient, and whether it already holds other shares.</summary>
    public delegate Tensor GradientBuffer(Tensor input, out bool accumulate);
}
