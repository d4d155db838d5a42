using Hieno.Models.Vision;
using Hieno.Parity;
using Hieno.Tensors;

namespace Hieno.Models.Tests.Vision;

/// <summary>The pictures of reference values, which lie channels first.</summary>
internal static class GoldenPictures
{
    /// <summary>The tensor <c>pixel_values</c>, [N, C, H, W], as a batch with channels last.</summary>
    public static ImageBatch Read(TensorFile inputs)
    {
        (float[] values, int[] shape) = (inputs.Floats("pixel_values"), inputs.ShapeOf("pixel_values"));
        (int n, int c, int h, int w) = (shape[0], shape[1], shape[2], shape[3]);
        Tensor pixels = Tensor.CreateLongLived([n, h, w, c]);
        Span<float> turned = pixels.Span;
        for (int i = 0; i < values.Length; i++)
        {
            (int picture, int channel, int pixel) = (i / (c * h * w), i / (h * w) % c, i % (h * w));
            turned[(((picture * h * w) + pixel) * c) + channel] = values[i];
        }

        return new ImageBatch(pixels);
    }
}
