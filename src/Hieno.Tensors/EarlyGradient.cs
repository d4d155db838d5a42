namespace Hieno.Tensors;

/// <summary>
/// The gradient of a weight, computed in the forward pass. It is written where the weight's own gradient will lie whenever that buffer is
/// free, so that handing it over costs neither memory nor time.
/// </summary>
/// <remarks>
/// A free buffer is taken away from the weight until the backward pass. Should another operation have to add its share before, the
/// buffer is given back and the early gradient moves elsewhere; where no backward pass follows, the weight is left without a gradient.
/// </remarks>
internal sealed class EarlyGradient
{
    private readonly Tensor _weight;

    private EarlyGradient(Tensor weight, Tensor buffer) => (_weight, Buffer) = (weight, buffer);

    /// <summary>The buffer of an input's gradient, and whether it already holds other shares: <see cref="Backward"/>'s GradOf.</summary>
    public delegate Tensor GradientBuffer(Tensor input, out bool accumulate);

    /// <summary>Gets the gradient of a loss of 1; the content is undefined at first.</summary>
    public Tensor Buffer { get; private set; }

    /// <summary>Finds memory for the gradient of <paramref name="weight"/>.</summary>
    public static EarlyGradient Borrow(Tensor weight)
    {
        bool isLeaf = weight.Producer is null && weight.GradOwner is null;
        bool isFree = weight.GradLentTo is null && (weight.Grad is null || weight.GradIsStale);
        if (!isLeaf || !isFree)
        {
            return new EarlyGradient(weight, Tensor.Create(weight.Shape, weight.Backend));
        }

        var gradient = new EarlyGradient(weight, weight.Grad ?? Tensor.CreateLongLived(weight.Shape, DType.F32, weight.Backend));
        (weight.Grad, weight.GradIsStale, weight.GradLentTo) = (null, false, gradient);
        return gradient;
    }

    /// <summary>Sets the gradient to zero.</summary>
    public void Clear() => Buffer.Backend.Fill(Buffer, 0f);

    /// <summary>Moves the content into memory of the step and gives the weight its buffer back, to be overwritten.</summary>
    public void GiveBack()
    {
        Tensor moved = Tape.Current!.RentGrad(_weight.Shape); // freed with the step
        Buffer.Backend.Copy(Buffer, moved);
        (_weight.Grad, _weight.GradIsStale, _weight.GradLentTo) = (Buffer, true, null);
        Buffer = moved;
    }

    /// <summary>Adds dy times the gradient to the weight's.</summary>
    /// <param name="dy">The gradient of the loss, [1].</param>
    /// <param name="gradOf">Finds the weight's buffer where this one does not become it.</param>
    public void HandOver(Tensor dy, GradientBuffer gradOf)
    {
        if (ReferenceEquals(_weight.GradLentTo, this))
        {
            dy.Backend.AddScaled(Buffer, dy, Buffer, add: false);
            (_weight.Grad, _weight.GradLentTo) = (Buffer, null);
            return;
        }

        Tensor gradient = gradOf(_weight, out bool add);
        dy.Backend.AddScaled(Buffer, dy, gradient, add);
    }
}
