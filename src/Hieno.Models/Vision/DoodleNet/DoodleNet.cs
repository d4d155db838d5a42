using Hieno.Formats;
using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Models.Vision.DoodleNet;

/// <summary>DoodleNet: three pairs of convolutions for grey pictures of 28 × 28 pixels, a maximum after each pair, and a wide linear layer.</summary>
/// <remarks>Cheng, <see href="https://github.com/yining1023/doodleNet"/>; layers as in ml5's conversion of it.</remarks>
public sealed class DoodleNetBackbone : VisionBackbone
{
    private const int Side = 28;
    private const int FirstWidth = 16;
    private const int Hidden = 512;
    private const float Dropout = 0.1f;

    private readonly DoodleNetPair[] _pairs;
    private readonly Linear _dense;

    /// <summary>Builds the body from the weights under <paramref name="w"/>, which have no prefix.</summary>
    public DoodleNetBackbone(WeightScope w)
        : base(string.Empty)
    {
        ArgumentNullException.ThrowIfNull(w);
        (int channels, int left) = (1, Side);
        _pairs = new DoodleNetPair[3];
        for (int i = 0; i < _pairs.Length; i++)
        {
            _pairs[i] = Add(new DoodleNetPair(w.AtDepth(i), 2 * i, channels, FirstWidth << i));
            (channels, left) = (FirstWidth << i, left / 2);
        }

        int inputs = channels * left * left;
        _dense = Add(new Linear(w.At("dense").AtDepth(_pairs.Length), inputs, Hidden, Initializer.GlorotUniform(inputs, Hidden)));
    }

    /// <inheritdoc/>
    public override int Width => Hidden;

    /// <summary>All pairs of convolutions but the first.</summary>
    public override IReadOnlyList<Module> Blocks => _pairs[1..];

    /// <inheritdoc/>
    protected override Tensor Stem(ImageBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        ShapeException.ThrowUnless(
            batch.Pixels.Shape[1] == Side && batch.Pixels.Shape[2] == Side && batch.Pixels.Shape[3] == 1,
            $"pictures are {batch.Pixels.Shape}, expected [N, {Side}, {Side}, 1]: its linear layer knows grey pictures of that size only.",
            "DoodleNet");
        return _pairs[0].Forward(batch.Pixels);
    }

    /// <inheritdoc/>
    protected override Tensor RunBlock(int index, Tensor x, ImageBatch batch) => _pairs[index + 1].Forward(x);

    /// <summary>The linear layer: [N, 1, 1, 512].</summary>
    protected override Tensor Finish(Tensor x, ImageBatch batch)
    {
        ArgumentNullException.ThrowIfNull(x);
        Tensor flat = Ops.Reshape(Ops.Dropout(x, Dropout), [x.Shape[0], x.Shape[1] * x.Shape[2] * x.Shape[3]]);
        return Ops.Reshape(Ops.Activate(_dense.Forward(flat), Activation.Tanh), [x.Shape[0], 1, 1, Hidden]);
    }
}

/// <summary>Two convolutions of 3 × 3 pixels with ReLU and a maximum over 2 × 2 pixels.</summary>
public sealed class DoodleNetPair : Module
{
    private readonly ConvolutionUnit _first;
    private readonly ConvolutionUnit _second;

    /// <summary>Builds the pair whose first convolution is <paramref name="number"/>, from 0, as Keras names them.</summary>
    public DoodleNetPair(WeightScope w, int number, int channels, int features)
        : base(NameOf(number))
    {
        ArgumentNullException.ThrowIfNull(w);
        _first = Add(Unit(w.At(NameOf(number)), channels, features));
        _second = Add(Unit(w.At(NameOf(number + 1)), features, features));
    }

    /// <summary>Runs the pair.</summary>
    /// <param name="x">[N, H, W, channels].</param>
    /// <returns>[N, H / 2, W / 2, features], rounded down.</returns>
    public Tensor Forward(Tensor x)
    {
        Tensor y = _second.Forward(_first.Forward(x));
        var half = new SlidingAxis(Stride: 2);
        return Ops.MaxPool(y, PoolSide.Sliding(y.Shape[1], 2, half), PoolSide.Sliding(y.Shape[2], 2, half));
    }

    private static string NameOf(int number) => number == 0 ? "conv2d" : $"conv2d_{number}";

    private static ConvolutionUnit Unit(WeightScope w, int channels, int features) => new(
        new Convolution(w, channels, features, kernel: 3, padding: 1, initializer: Initializer.GlorotUniform(channels * 9, features * 9)), norm: null, Activation.Relu);
}

/// <summary>How the weights of DoodleNet are read, which knows 345 things that people draw.</summary>
public sealed class DoodleNetFamily : VisionFamily
{
    /// <inheritdoc/>
    public override string ModelType => "doodlenet";

    /// <inheritdoc/>
    public override string BasePrefix => string.Empty;

    /// <inheritdoc/>
    public override IReadOnlyList<string> DefaultTargets => ["dense"];

    /// <inheritdoc/>
    public override string Architecture => "DoodleNet";

    /// <inheritdoc/>
    public override VisionBackbone CreateBackbone(ModelConfig config, WeightScope root) => new DoodleNetBackbone(root);

    /// <inheritdoc/>
    public override VisionHead CreateHead(ModelConfig config, WeightScope root, VisionBackbone backbone, int outputs)
    {
        ArgumentNullException.ThrowIfNull(backbone);
        return new PooledHead(root, "dense_1", backbone, outputs, initializer: Initializer.GlorotUniform(backbone.Width, outputs));
    }

    /// <summary>White strokes on black, from 0 to 1.</summary>
    public override ImageInput InputOf(ModelConfig config) => new(28, 28, [0f], [1f]);
}
