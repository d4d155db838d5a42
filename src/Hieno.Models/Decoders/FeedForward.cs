using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Models.Decoders;

/// <summary>The part of a block that works on each token by itself.</summary>
/// <param name="path">Its checkpoint path.</param>
public abstract class FeedForward(string path) : Module(path)
{
    // What the names of its layers begin with; where they lie in the block itself, a name of ours.
    private protected static string PathOf(WeightScope block, string layer)
    {
        ArgumentNullException.ThrowIfNull(block);
        string path = block.At(layer).Path;
        string parent = path[..path.LastIndexOf('.')];
        return parent == block.Path ? $"{parent}.mlp" : parent;
    }

    /// <summary>Runs the layers.</summary>
    /// <param name="x">[N, C].</param>
    /// <param name="batch">The rows.</param>
    /// <returns>[N, C].</returns>
    public abstract Tensor Forward(Tensor x, TokenBatch batch);
}

/// <summary>Two layers with an activation between them: down(act(up(x))).</summary>
public sealed class PlainFeedForward : FeedForward
{
    private readonly Linear _up;
    private readonly Linear _down;
    private readonly Activation _activation;

    /// <summary>Takes the layers <see cref="DecoderNames.Up"/> and <see cref="DecoderNames.Down"/> from the block at <paramref name="block"/>.</summary>
    public PlainFeedForward(DecoderSettings settings, WeightScope block)
        : base(PathOf(block, (settings ?? throw new ArgumentNullException(nameof(settings))).Names.Down))
    {
        WeightScope w = block.As(ParameterKind.FeedForward);
        _activation = settings.Activation;
        _up = Add(new Linear(w.At(settings.Names.Up), settings.Width, settings.Hidden, settings.Normal, settings.FeedForwardBias, settings.Transposed));
        _down = Add(new Linear(w.At(settings.Names.Down), settings.Hidden, settings.Width, settings.OutputNormal, settings.FeedForwardBias, settings.Transposed));
    }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x, TokenBatch batch) => _down.Forward(Ops.Activate(_up.Forward(x), _activation));
}

/// <summary>Three layers, one of which opens and closes the way through another: down(act(gate(x)) · up(x)).</summary>
/// <remarks>Shazeer 2020, <see href="https://arxiv.org/abs/2002.05202"/>.</remarks>
public sealed class GatedFeedForward : FeedForward
{
    private readonly Linear _gate;
    private readonly Linear _up;
    private readonly Linear _down;
    private readonly Activation _activation;

    /// <summary>Takes the layers from the block at <paramref name="block"/>, or from another place that names them in its own way.</summary>
    /// <param name="settings">The decoder.</param>
    /// <param name="block">Where the names begin.</param>
    /// <param name="names">Names of gate, up and down; those of the decoder when null.</param>
    /// <param name="hidden">Width between the layers; that of the decoder when null.</param>
    public GatedFeedForward(DecoderSettings settings, WeightScope block, (string Gate, string Up, string Down)? names = null, int? hidden = null)
        : base(PathOf(block, names?.Down ?? (settings ?? throw new ArgumentNullException(nameof(settings))).Names.Down))
    {
        WeightScope w = block.As(ParameterKind.FeedForward);
        (string gate, string up, string down) = names ?? (settings.Names.Gate!, settings.Names.Up, settings.Names.Down);
        int inner = hidden ?? settings.Hidden;
        _activation = settings.Activation;
        _gate = Add(new Linear(w.At(gate), settings.Width, inner, settings.Normal, settings.FeedForwardBias));
        _up = Add(new Linear(w.At(up), settings.Width, inner, settings.Normal, settings.FeedForwardBias));
        _down = Add(new Linear(w.At(down), inner, settings.Width, settings.OutputNormal, settings.FeedForwardBias));
    }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x, TokenBatch batch) => Forward(x);

    /// <summary>Runs the layers.</summary>
    /// <param name="x">[N, C].</param>
    public Tensor Forward(Tensor x) => _down.Forward(Ops.GatedActivate(_gate.Forward(x), _up.Forward(x), _activation)); // [N, H] between them
}

/// <summary>The same with gate and up in one layer, the gate's outputs first.</summary>
public sealed class FusedGatedFeedForward : FeedForward
{
    private readonly Linear _gateAndUp;
    private readonly Linear _down;
    private readonly Activation _activation;
    private readonly int _hidden;
    private readonly float _dropout;

    /// <summary>Takes the layers <see cref="DecoderNames.Up"/> and <see cref="DecoderNames.Down"/> from the block at <paramref name="block"/>.</summary>
    public FusedGatedFeedForward(DecoderSettings settings, WeightScope block)
        : base(PathOf(block, (settings ?? throw new ArgumentNullException(nameof(settings))).Names.Down))
    {
        WeightScope w = block.As(ParameterKind.FeedForward);
        (_activation, _hidden, _dropout) = (settings.Activation, settings.Hidden, settings.InnerDropout);
        _gateAndUp = Add(new Linear(w.At(settings.Names.Up), settings.Width, 2 * _hidden, settings.Normal, settings.FeedForwardBias));
        _down = Add(new Linear(w.At(settings.Names.Down), _hidden, settings.Width, settings.OutputNormal, settings.FeedForwardBias));
    }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x, TokenBatch batch)
    {
        Tensor[] parts = Ops.Split(_gateAndUp.Forward(x), _hidden, _hidden);
        return _down.Forward(Ops.Dropout(Ops.GatedActivate(parts[0], parts[1], _activation), _dropout));
    }
}
