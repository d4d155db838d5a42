namespace Hieno.Tensors;

public static partial class Ops
{
    /// <summary>
    /// Turns pictures so that each channel's pixels stand together, as linear layers expect them that were trained where channels come first.
    /// </summary>
    /// <param name="x">Pictures with their channels last, [N, H, W, C].</param>
    /// <returns>[N, C · H · W], a copy.</returns>
    /// <exception cref="ShapeException">x has another rank.</exception>
    public static Tensor ChannelsFirst(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        ShapeException.ThrowUnless(x.Shape.Rank == 4, $"x has shape {x.Shape}, expected [N, H, W, C].");
        ThrowUnlessSingle(x, nameof(ChannelsFirst));
        Tensor y = Tensor.Create([x.Shape[0], x.Shape[1] * x.Shape[2] * x.Shape[3]], x.Backend);
        TurnPictures(x, y, x.Shape, toChannelsFirst: true, add: false);
        return Tape.Wants(x) ? Tape.Record(y, new ChannelsFirstBackward(x)) : y;
    }

    // Picture by picture a matrix of pixels by channels, transposed.
    private static void TurnPictures(Tensor source, Tensor destination, Shape shape, bool toChannelsFirst, bool add)
    {
        (int pixels, int channels) = (shape[1] * shape[2], shape[3]);
        for (int image = 0; image < shape[0]; image++)
        {
            Tensor from = toChannelsFirst ? source.RowRange(image * pixels, pixels) : Picture(source, image, channels, pixels);
            Tensor to = toChannelsFirst ? Picture(destination, image, channels, pixels) : destination.RowRange(image * pixels, pixels);
            source.Backend.Transpose(from, to, add);
        }
    }

    private static Tensor Picture(Tensor rows, int image, int channels, int pixels) =>
        new(rows.Storage, [channels, pixels], DType.F32, rows.Offset + ((long)image * rows.RowStride));

    private sealed class ChannelsFirstBackward(Tensor x) : Backward(x)
    {
        public override long FlopsFor(Tensor input) => 0;

        protected override void Run(Tensor dy)
        {
            Tensor dx = GradOf(x, out bool add);
            TurnPictures(dy, dx, x.Shape, toChannelsFirst: false, add);
        }
    }
}
