using Hieno.Models.Vision;
using Hieno.Tensors;
using Hieno.Tests.Shared;

namespace Hieno.Models.Tests.Vision;

/// <summary>CIFAR-10's test pictures as they are after JPEG compression, 200 of each class.</summary>
internal sealed class CifarPictures
{
    private const int Side = 32;
    private const int Pixels = Side * Side;
    private const int RecordLength = 1 + (3 * Pixels);

    private readonly byte[] _records = File.ReadAllBytes(SharedFolder.Require("data/cifar10-jpeg/test_200_per_class.bin"));

    /// <summary>How many there are.</summary>
    public int Count => _records.Length / RecordLength;

    /// <summary>The class of a picture.</summary>
    public int Label(int picture) => _records[picture * RecordLength];

    /// <summary>Some pictures, as <paramref name="input"/> says.</summary>
    public ImageBatch Batch(int first, int count, ImageInput input)
    {
        float[] values = new float[count * 3 * Pixels];
        for (int i = 0; i < values.Length; i++)
        {
            (int rest, int channel) = Math.DivRem(i, 3);
            (int picture, int pixel) = Math.DivRem(rest, Pixels);
            byte sample = _records[((first + picture) * RecordLength) + 1 + (channel * Pixels) + pixel];
            values[i] = ((sample / 255f) - input.Mean[channel]) / input.Deviation[channel];
        }

        return new ImageBatch(Tensor.FromValues([count, Side, Side, 3], values));
    }
}
