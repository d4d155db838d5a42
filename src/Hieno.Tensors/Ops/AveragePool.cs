namespace Hieno.Tensors;

public static partial class Ops
{
    /// <summary>The mean of each window, channel by channel.</summary>
    /// <param name="x">Pictures with their channels last, [N, H, W, C].</param>
    /// <param name="vertical">Windows from top to bottom, over H pixels.</param>
    /// <param name="horizontal">Windows from left to right, over W pixels.</param>
    /// <param name="divisor">What sums are divided by; 0 (default) for the windows' own numbers of elements.</param>
    /// <returns>[N, windows down, windows across, C].</returns>
    /// <exception cref="ShapeException">x has another rank or size.</exception>
    public static Tensor AveragePool(Tensor x, PoolSide vertical, PoolSide horizontal, int divisor = 0)
    {
        Tensor y = PooledLike(x, vertical, horizontal, nameof(AveragePool));
        ArgumentOutOfRangeException.ThrowIfNegative(divisor);
        ShapeException.ThrowUnless(vertical.Dilation == 1 && horizontal.Dilation == 1, $"windows have dilation {vertical.Dilation} and {horizontal.Dilation}; means have none.");
        x.Backend.AveragePoolForward(x, vertical, horizontal, divisor, y);
        Tape.Spend(x.Count);
        return Tape.Wants(x) ? Tape.Record(y, new AveragePoolBackward(x, vertical, horizontal, divisor)) : y;
    }

    private sealed class AveragePoolBackward(Tensor x, PoolSide vertical, PoolSide horizontal, int divisor) : Backward(x)
    {
        public override long FlopsFor(Tensor input) => 2 * Output.Count;

        protected override void Run(Tensor dy)
        {
            Tensor dx = GradOf(x, out bool add);
            dy.Backend.AveragePoolBackward(dy, vertical, horizontal, divisor, dx, add);
        }
    }
}

public abstract partial class Backend
{
    /// <summary>Kernel of <see cref="Ops.AveragePool"/>.</summary>
    public abstract void AveragePoolForward(Tensor x, PoolSide vertical, PoolSide horizontal, int divisor, Tensor y);

    /// <summary>Kernel of its derivative.</summary>
    public abstract void AveragePoolBackward(Tensor dy, PoolSide vertical, PoolSide horizontal, int divisor, Tensor dx, bool add);
}
