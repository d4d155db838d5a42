using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Models.Vision.Inception;

/// <summary>What a branch of an inception block does before its convolutions.</summary>
public enum InceptionPool
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>The mean over 3 × 3 pixels, padding counted as zeros.</summary>
    Average,

    /// <summary>The mean over those of 3 × 3 pixels that lie in the picture.</summary>
    AverageInside,

    /// <summary>The maximum over 3 × 3 pixels.</summary>
    Maximum,

    /// <summary>The maximum over 3 × 3 pixels at a stride of 2, without padding.</summary>
    MaximumHalving,
}

/// <summary>A convolution of an inception network, with its normalisation and ReLU.</summary>
/// <param name="Name">Its name in the checkpoint.</param>
/// <param name="Features">Channels of the result.</param>
/// <param name="Height">Pixels of a filter, down. Default 1.</param>
/// <param name="Width">Pixels of a filter, across. Default 1.</param>
/// <param name="Stride">Pixels from one place to the next. Default 1.</param>
/// <param name="Pads">True (default) where padding keeps the picture's size at stride 1.</param>
public sealed record InceptionFilter(string Name, int Features, int Height = 1, int Width = 1, int Stride = 1, bool Pads = true)
{
    internal ConvolutionUnit Create(WeightScope w, int channels, float deviation = 0.1f)
    {
        const float Eps = 1e-3f;
        WeightScope place = w.At(Name);
        var down = SlidingAxis.Padded(Stride, Pads ? Height / 2 : 0);
        var across = SlidingAxis.Padded(Stride, Pads ? Width / 2 : 0);
        var convolution = new Convolution(
            place.At("conv"), channels, Features, (Height, Width), down, across, bias: false, initializer: Initializer.Normal(deviation));
        return new ConvolutionUnit(convolution, new BatchNorm(place.At("bn"), Features, Eps), Activation.Relu);
    }
}

/// <summary>One of the ways through an inception block: a pool, filters one after the other, and filters side by side at the end.</summary>
/// <param name="Chain">Filters one after the other.</param>
/// <param name="Ends">Filters that all read what the chain gives; their results stand beside each other. None by default.</param>
/// <param name="Pool">What comes first. Default: nothing.</param>
public sealed record InceptionBranch(IReadOnlyList<InceptionFilter> Chain, IReadOnlyList<InceptionFilter>? Ends = null, InceptionPool Pool = InceptionPool.None);

/// <summary>Branches that all read the same pictures; their results stand beside each other, channel by channel.</summary>
public sealed class InceptionBlock : Module
{
    private readonly (InceptionPool Pool, ConvolutionUnit[] Chain, ConvolutionUnit[] Ends)[] _branches;

    /// <summary>Builds the block from the weights under <paramref name="w"/>, e.g. <c>Mixed_5b</c>.</summary>
    public InceptionBlock(WeightScope w, int channels, IReadOnlyList<InceptionBranch> branches)
        : base(w.Path)
    {
        ArgumentNullException.ThrowIfNull(branches);
        _branches = new (InceptionPool, ConvolutionUnit[], ConvolutionUnit[])[branches.Count];
        for (int i = 0; i < _branches.Length; i++)
        {
            int read = channels;
            var chain = new List<ConvolutionUnit>();
            foreach (InceptionFilter filter in branches[i].Chain)
            {
                chain.Add(Add(filter.Create(w, read)));
                read = filter.Features;
            }

            ConvolutionUnit[] ends = [.. (branches[i].Ends ?? []).Select(filter => Add(filter.Create(w, read)))];
            _branches[i] = (branches[i].Pool, [.. chain], ends);
            Features += ends.Length > 0 ? ends.Sum(end => end.Features) : read;
        }
    }

    /// <summary>Channels of the result.</summary>
    public int Features { get; }

    /// <summary>Runs the block.</summary>
    /// <param name="x">[N, H, W, channels].</param>
    /// <returns>[N, H', W', <see cref="Features"/>].</returns>
    public Tensor Forward(Tensor x)
    {
        var parts = new List<Tensor>();
        foreach ((InceptionPool pool, ConvolutionUnit[] chain, ConvolutionUnit[] ends) in _branches)
        {
            Tensor y = Pooled(x, pool);
            foreach (ConvolutionUnit unit in chain)
            {
                y = unit.Forward(y);
            }

            parts.AddRange(ends.Length > 0 ? ends.Select(end => end.Forward(y)) : [y]);
        }

        return Ops.ConcatenateColumns(parts);
    }

    internal static Tensor Pooled(Tensor x, InceptionPool pool)
    {
        ArgumentNullException.ThrowIfNull(x);
        const int Window = 3;
        SlidingAxis axis = pool == InceptionPool.MaximumHalving ? new SlidingAxis(Stride: 2) : SlidingAxis.Padded(1, 1);
        bool counts = pool == InceptionPool.Average;
        PoolSide Side(int length) => PoolSide.Sliding(length, Window, axis, countPadding: counts);
        return pool switch
        {
            InceptionPool.None => x,
            InceptionPool.Average or InceptionPool.AverageInside => Ops.AveragePool(x, Side(x.Shape[1]), Side(x.Shape[2])),
            _ => Ops.MaxPool(x, Side(x.Shape[1]), Side(x.Shape[2])),
        };
    }
}
