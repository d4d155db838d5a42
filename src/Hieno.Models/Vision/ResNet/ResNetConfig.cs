using Hieno.Formats;
using Hieno.Tensors;

namespace Hieno.Models.Vision.ResNet;

/// <summary>The shape of a residual network.</summary>
public sealed record ResNetConfig
{
    private ResNetConfig()
    {
    }

    /// <summary>Blocks of each stage.</summary>
    public required IReadOnlyList<int> Depths { get; init; }

    /// <summary>Channels that each stage gives.</summary>
    public required IReadOnlyList<int> Widths { get; init; }

    /// <summary>Channels of pictures. Default 3.</summary>
    public int Channels { get; private init; } = 3;

    /// <summary>Channels that the first convolution gives. Default 64.</summary>
    public int StemWidth { get; private init; } = 64;

    /// <summary>True: blocks of three convolutions, the middle one a quarter as wide; false: blocks of two.</summary>
    public bool HasBottlenecks { get; private init; }

    /// <summary>True: a bottleneck halves the sides in its first convolution, as in the paper; false (default) in its second.</summary>
    public bool HalvesFirst { get; private init; }

    /// <summary>True where already the first stage halves the sides. Default false.</summary>
    public bool FirstStageHalves { get; private init; }

    /// <summary>The function between the layers. Default ReLU.</summary>
    public Activation Activation { get; private init; } = Activation.Relu;

    /// <summary>Reads the keys of Hugging Face's <c>config.json</c>.</summary>
    /// <exception cref="CheckpointException">A value cannot be used.</exception>
    public static ResNetConfig HuggingFace(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        string type = config.GetString("layer_type", "bottleneck")!;
        if (type is not ("basic" or "bottleneck"))
        {
            throw config.Error("layer_type", $"is '{type}', expected 'basic' or 'bottleneck'", "Use the configuration that came with the weights");
        }

        var read = new ResNetConfig
        {
            Depths = config.GetInts("depths") ?? [3, 4, 6, 3],
            Widths = config.GetInts("hidden_sizes") ?? [256, 512, 1024, 2048],
            Channels = config.GetInt("num_channels", 3),
            StemWidth = config.GetInt("embedding_size", 64),
            HasBottlenecks = type == "bottleneck",
            HalvesFirst = config.GetBool("downsample_in_bottleneck", false),
            FirstStageHalves = config.GetBool("downsample_in_first_stage", false),
            Activation = Activations.Parse(config.GetString("hidden_act", "relu")!),
        };
        return read.Depths.Count == read.Widths.Count
            ? read
            : throw config.Error("depths", $"has {read.Depths.Count} stages, but 'hidden_sizes' has {read.Widths.Count}", "Use the configuration that came with the weights");
    }

    /// <summary>One of torchvision's networks, by the key <c>depth</c>: 18, 34, 50, 101 or 152.</summary>
    /// <exception cref="CheckpointException">There is no network of that depth.</exception>
    public static ResNetConfig Torchvision(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        int depth = config.GetInt("depth");
        int[] blocks = depth switch
        {
            18 => [2, 2, 2, 2],
            34 or 50 => [3, 4, 6, 3],
            101 => [3, 4, 23, 3],
            152 => [3, 8, 36, 3],
            _ => throw config.Error("depth", $"is {depth}, expected 18, 34, 50, 101 or 152", "Say the depth that the weights were published with"),
        };
        bool hasBottlenecks = depth >= 50;
        return new ResNetConfig { Depths = blocks, Widths = hasBottlenecks ? [256, 512, 1024, 2048] : [64, 128, 256, 512], HasBottlenecks = hasBottlenecks };
    }
}
