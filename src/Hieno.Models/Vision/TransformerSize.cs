using Hieno.Formats;
using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Models.Vision;

/// <summary>The settings that most vision transformers have in common, under the names of their <c>config.json</c>.</summary>
public sealed record TransformerSize
{
    /// <summary>Reads the settings.</summary>
    /// <param name="config">The configuration, or the section of it that is about pictures.</param>
    /// <param name="eps">The default of <c>layer_norm_eps</c>.</param>
    public TransformerSize(ModelConfig config, float eps = 1e-12f)
    {
        ArgumentNullException.ThrowIfNull(config);
        Width = config.GetInt("hidden_size", 768);
        Layers = config.GetInt("num_hidden_layers", 12);
        Heads = config.GetInt("num_attention_heads", 12);
        Hidden = config.GetInt("intermediate_size", 4 * Width);
        Image = PairOf(config, "image_size", 224);
        Patch = PairOf(config, "patch_size", 16);
        Channels = config.GetInt("num_channels", 3);
        Activation = Activations.Parse(config.GetString("hidden_act", "gelu")!);
        Eps = config.GetFloat("layer_norm_eps", eps);
        InitializerRange = config.GetFloat("initializer_range", 0.02f);
        HiddenDropout = config.GetFloat("hidden_dropout_prob", 0f);
        AttentionDropout = config.GetFloat("attention_probs_dropout_prob", 0f);
        DropPath = config.GetFloat("drop_path_rate", 0f);
        HasOffsets = config.GetBool("qkv_bias", true);
    }

    /// <summary><c>hidden_size</c>.</summary>
    public int Width { get; init; }

    /// <summary><c>num_hidden_layers</c>.</summary>
    public int Layers { get; init; }

    /// <summary><c>num_attention_heads</c>.</summary>
    public int Heads { get; init; }

    /// <summary><c>intermediate_size</c>.</summary>
    public int Hidden { get; init; }

    /// <summary><c>image_size</c>, one number or height and width.</summary>
    public (int Height, int Width) Image { get; init; }

    /// <summary><c>patch_size</c>, one number or height and width.</summary>
    public (int Height, int Width) Patch { get; init; }

    /// <summary><c>num_channels</c>.</summary>
    public int Channels { get; init; }

    /// <summary><c>hidden_act</c>.</summary>
    public Activation Activation { get; init; }

    /// <summary><c>layer_norm_eps</c>.</summary>
    public float Eps { get; init; }

    /// <summary><c>initializer_range</c>.</summary>
    public float InitializerRange { get; init; }

    /// <summary><c>hidden_dropout_prob</c>.</summary>
    public float HiddenDropout { get; init; }

    /// <summary><c>attention_probs_dropout_prob</c>.</summary>
    public float AttentionDropout { get; init; }

    /// <summary><c>drop_path_rate</c>, that of the last block; the first has 0.</summary>
    public float DropPath { get; init; }

    /// <summary><c>qkv_bias</c>.</summary>
    public bool HasOffsets { get; init; }

    /// <summary>Patches of a picture, down and across.</summary>
    public (int Height, int Width) Grid => (Image.Height / Patch.Height, Image.Width / Patch.Width);

    /// <summary>Patches of a picture.</summary>
    public int Patches => Grid.Height * Grid.Width;

    /// <summary>Numbers of a patch: its pixels times their channels.</summary>
    public int NumbersOfPatch => Patch.Height * Patch.Width * Channels;

    /// <summary>First values of weights: N(0, range²).</summary>
    public Initializer Normal => Initializer.Normal(InitializerRange);

    /// <summary>Heads and dropout of attention.</summary>
    public AttentionOptions Attention => new(Heads) { DropoutRate = AttentionDropout };

    /// <summary>The probability with which block <paramref name="index"/> passes a picture by: it rises evenly from 0 to <see cref="DropPath"/>.</summary>
    public float DropPathOf(int index) => DropPathOf(index, Layers, DropPath);

    /// <summary>The filters that cut a picture into patches and make each a vector.</summary>
    /// <param name="w">Their place in the checkpoint.</param>
    /// <param name="bias">True (default) when they have offsets.</param>
    public Convolution Projection(WeightScope w, bool bias = true) =>
        new(w, Channels, Width, Patch, new SlidingAxis(Patch.Height), new SlidingAxis(Patch.Width), bias: bias);

    /// <summary>How pictures are made ready: this size and number of channels, and these means and deviations, of which grey pictures take the mean.</summary>
    /// <param name="mean">Of red, green and blue.</param>
    /// <param name="deviation">Of the same.</param>
    public ImageInput Input(IReadOnlyList<float> mean, IReadOnlyList<float> deviation) => new(Image.Height, Image.Width, OfChannels(mean), OfChannels(deviation));

    /// <summary>The same for any number of blocks.</summary>
    internal static float DropPathOf(int index, int blocks, float last) => blocks < 2 ? 0f : last * index / (blocks - 1);

    private float[] OfChannels(IReadOnlyList<float> values) => [.. Enumerable.Range(0, Channels).Select(i => Channels == values.Count ? values[i] : values.Average())];

    private static (int Height, int Width) PairOf(ModelConfig config, string key, int fallback)
    {
        if (!config.Has(key) || config.Json.GetProperty(key).ValueKind != System.Text.Json.JsonValueKind.Array)
        {
            int side = config.GetInt(key, fallback);
            return (side, side);
        }

        return config.GetInts(key) is [int height, int width] ? (height, width) : throw config.Error(key, "is a list of other than two numbers", "Give one number, or height and width");
    }
}
