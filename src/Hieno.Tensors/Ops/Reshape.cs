namespace Hieno.Tensors;

public static partial class Ops
{
    /// <summary>The same numbers under another shape of equal count; nothing is copied.</summary>
    /// <exception cref="ShapeException">The counts differ, or rows of <paramref name="x"/> have gaps.</exception>
    public static Tensor Reshape(Tensor x, Shape shape)
    {
        ArgumentNullException.ThrowIfNull(x);
        Tensor y = x.View(shape);
        return Tape.Wants(x) ? Tape.Record(y, new ReshapeBackward(x)) : y;
    }

    private sealed class ReshapeBackward(Tensor x) : Backward(x)
    {
        public override long FlopsFor(Tensor input) => 0;

        protected override void Run(Tensor dy) => PassGrad(x, dy.View(x.Shape));
    }
}
