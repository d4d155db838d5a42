using Hieno.Tensors;

namespace Hieno.Models.Layers;

/// <summary>Filters that slide over pictures; see <see cref="Ops.Convolution"/>.</summary>
public sealed class Convolution : Module
{
    private readonly List<ConvolutionUpdate> _updates = [];
    private readonly SlidingAxis _vertical;
    private readonly SlidingAxis _horizontal;

    /// <summary>Takes <c>weight</c> and, if wanted, <c>bias</c> from <paramref name="w"/>.</summary>
    /// <param name="w">The layer's place in the checkpoint.</param>
    /// <param name="channels">Channels of x.</param>
    /// <param name="features">Channels of y.</param>
    /// <param name="kernel">Pixels of a filter, down and across.</param>
    /// <param name="vertical">Stride, padding and dilation from top to bottom.</param>
    /// <param name="horizontal">The same from left to right.</param>
    /// <param name="groups">Parts that channels and features are cut into. Default 1.</param>
    /// <param name="bias">True (default) when the layer has an offset.</param>
    /// <param name="initializer">First values of the weight, beside which an offset starts at 0; both as in PyTorch when null.</param>
    public Convolution(
        WeightScope w,
        int channels,
        int features,
        (int Height, int Width) kernel,
        SlidingAxis vertical,
        SlidingAxis horizontal,
        int groups = 1,
        bool bias = true,
        Initializer? initializer = null)
        : base(w.Path)
    {
        (Channels, Features, Kernel, Groups, _vertical, _horizontal) = (channels, features, kernel, groups, vertical, horizontal);
        int depth = channels / groups * kernel.Height * kernel.Width;
        Weight = Add(w.Weight("weight", [features, channels / groups, kernel.Height, kernel.Width], initializer ?? Initializer.KaimingUniform(depth)));
        Bias = bias ? Add(w.Weight("bias", [features], initializer is null ? Initializer.KaimingUniform(depth) : Initializer.Zeros)) : null;
    }

    /// <summary>A square filter with the same stride, padding and dilation both ways.</summary>
    /// <param name="w">The layer's place in the checkpoint.</param>
    /// <param name="channels">Channels of x.</param>
    /// <param name="features">Channels of y.</param>
    /// <param name="kernel">Pixels of a filter's side.</param>
    /// <param name="stride">Pixels from one place to the next. Default 1.</param>
    /// <param name="padding">Pixels of zeros at each side. Default 0.</param>
    /// <param name="groups">Parts that channels and features are cut into. Default 1.</param>
    /// <param name="bias">True (default) when the layer has an offset.</param>
    /// <param name="initializer">First values of the weight, beside which an offset starts at 0; both as in PyTorch when null.</param>
    public Convolution(
        WeightScope w, int channels, int features, int kernel, int stride = 1, int padding = 0, int groups = 1, bool bias = true, Initializer? initializer = null)
        : this(w, channels, features, (kernel, kernel), SlidingAxis.Padded(stride, padding), SlidingAxis.Padded(stride, padding), groups, bias, initializer)
    {
    }

    /// <summary>Channels of the input.</summary>
    public int Channels { get; }

    /// <summary>Channels of the output.</summary>
    public int Features { get; }

    /// <summary>Pixels of a filter, down and across.</summary>
    public (int Height, int Width) Kernel { get; }

    /// <summary>Parts that channels and features are cut into.</summary>
    public int Groups { get; }

    /// <summary>True where the padding follows from the picture's size, as in TensorFlow; see <see cref="SlidingAxis.Covering"/>. Default false.</summary>
    public bool CoversPictures { get; init; }

    /// <summary>W, [features, channels / groups, height, width].</summary>
    public Parameter Weight { get; }

    /// <summary>b, [features], or null.</summary>
    public Parameter? Bias { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<AdapterPart> Parts => _updates;

    /// <summary>Computes the layer.</summary>
    /// <param name="x">[N, H, W, channels].</param>
    /// <returns>[N, H', W', features].</returns>
    public Tensor Forward(Tensor x)
    {
        Tensor y = Slide(x, Weight, Bias?.Value, Groups);
        foreach (ConvolutionUpdate update in _updates)
        {
            y = update.Enabled ? update.Apply(x, y) : y;
        }

        return y;
    }

    /// <summary>Moves other filters of the same size over pictures as the layer moves its own.</summary>
    /// <param name="x">[N, H, W, channels].</param>
    /// <param name="filters">[Out, channels / groups, height, width].</param>
    /// <param name="bias">[Out], or null for none.</param>
    /// <param name="groups">Parts that channels are cut into. Default 1.</param>
    /// <returns>[N, H', W', Out].</returns>
    public Tensor Slide(Tensor x, Tensor filters, Tensor? bias = null, int groups = 1)
    {
        ArgumentNullException.ThrowIfNull(x);
        (SlidingAxis down, SlidingAxis across) = CoversPictures
            ? (_vertical.Covering(x.Shape[1], Kernel.Height), _horizontal.Covering(x.Shape[2], Kernel.Width))
            : (_vertical, _horizontal);
        return Ops.Convolution(x, filters, bias, down, across, groups);
    }

    /// <summary>A weight of an update of this layer, under the layer's name and depth.</summary>
    /// <param name="name">Its last part, e.g. <c>lora_A.weight</c>.</param>
    /// <param name="value">Its first value, long-lived.</param>
    public Parameter CreateUpdateWeight(string name, Tensor value) => new($"{Path}.{name}", value, Weight.Kind, Weight.Depth);

    internal void Attach(ConvolutionUpdate update) => _updates.Add(update);

    internal void Detach(ConvolutionUpdate update) => _updates.Remove(update);
}
