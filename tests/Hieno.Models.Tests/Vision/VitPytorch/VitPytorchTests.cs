using System.Buffers.Binary;
using System.IO.Compression;
using Hieno.Models.Vision;
using Hieno.Tensors;
using Hieno.Tests.Shared;

namespace Hieno.Models.Tests.Vision.VitPytorch;

/// <summary>A vision transformer that was trained on MNIST.</summary>
public sealed class VitPytorchTests
{
    private const string Config =
        """{ "model_type": "vit-pytorch", "image_size": 28, "patch_size": 7, "num_channels": 1, "hidden_size": 64, "num_hidden_layers": 6, "num_attention_heads": 8, "intermediate_size": 128 }""";

    // What PyTorch 1.13 gives with the same weights and pictures: 97.94 % right.
    [SkippableFact]
    [Trait("tier", "checkpoint")]
    public void Published_weights_read_digits_as_in_pytorch()
    {
        using var weights = new PublishedWeights("data/mnist/vit/vit_mnist_standard_scale.safetensors", Config);
        VisionModel model = weights.Load(10);
        Assert.Empty(model.NewlyInitialized);
        Assert.Empty(model.Unused);
        ImageInput input = model.Family.InputOf(model.Config);
        byte[] pictures = Unpack("data/mnist/t10k-images-idx3-ubyte.gz", 16);
        byte[] labels = Unpack("data/mnist/t10k-labels-idx1-ubyte.gz", 8);
        int right = 0;
        for (int first = 0; first < labels.Length; first += 250)
        {
            using var tape = Tape.Begin(record: false);
            float[] pixels = Array.ConvertAll(pictures[(first * 784)..((first + 250) * 784)], sample => ((sample / 255f) - input.Mean[0]) / input.Deviation[0]);
            float[] numbers = model.Classify(new ImageBatch(Tensor.FromValues([250, 28, 28, 1], pixels))).ToArray();
            if (first == 0)
            {
                Assert.Equal(-13.4394f, numbers[0], 1e-3);
                Assert.Equal(-4.5889f, numbers[1], 1e-3);
            }

            right += numbers.Chunk(10).Where((digits, i) => Array.IndexOf(digits, digits.Max()) == labels[first + i]).Count();
        }

        Assert.Equal(9794, right);
    }

    [SkippableFact]
    [Trait("tier", "checkpoint")]
    public void Each_part_of_the_network_is_known_as_what_it_is()
    {
        using var weights = new PublishedWeights("data/mnist/vit/vit_mnist_standard_scale.safetensors", Config);
        VisionModel model = weights.Load(10);
        ILookup<ParameterKind, Parameter> parts = model.Parameters().ToLookup(p => p.Kind);
        Assert.Equal(6 * 3, parts[ParameterKind.Attention].Count());
        Assert.Equal(6 * 4, parts[ParameterKind.FeedForward].Count());
        Assert.Equal(6 * 4, parts[ParameterKind.Norm].Count());
        Assert.Equal(4, parts[ParameterKind.Embedding].Count());
        Assert.Equal(4, parts[ParameterKind.Head].Count());
        Assert.Empty(parts[ParameterKind.Other]);
        Assert.Equal(0, parts[ParameterKind.Embedding].Max(p => p.Depth));
        Assert.All(parts[ParameterKind.Head], p => Assert.Equal(7, p.Depth));
        Assert.All(parts[ParameterKind.Norm], p => Assert.Equal(int.Parse(p.Name.Split('.')[2], System.Globalization.CultureInfo.InvariantCulture) + 1, p.Depth));
    }

    private static byte[] Unpack(string relative, int header)
    {
        using var file = new GZipStream(File.OpenRead(SharedFolder.Require(relative)), CompressionMode.Decompress);
        using var bytes = new MemoryStream();
        file.CopyTo(bytes);
        byte[] all = bytes.ToArray();
        Assert.Equal(header / 4 - 1, BinaryPrimitives.ReadInt32BigEndian(all) & 0xFF);
        return all[header..];
    }
}
