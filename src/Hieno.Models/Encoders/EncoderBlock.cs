using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Models.Encoders;

/// <summary>One post-norm block: x = Norm(x + Attention(x)); x = Norm(x + Mlp(x)).</summary>
/// <remarks>Devlin et al. 2018, <see href="https://arxiv.org/abs/1810.04805"/>, section 3.</remarks>
public sealed class EncoderBlock : Module
{
    private readonly EncoderSettings _settings;
    private readonly Linear _query;
    private readonly Linear _key;
    private readonly Linear _value;
    private readonly Linear _attentionOut;
    private readonly LayerNorm _attentionNorm;
    private readonly AttentionSite _attend;
    private readonly BlockSite _afterAttention;
    private readonly Linear _up;
    private readonly Linear _down;
    private readonly LayerNorm _mlpNorm;
    private readonly BlockSite _afterMlp;
    private readonly BlockSite _output;

    /// <summary>Builds the block from the weights under <paramref name="w"/>, e.g. <c>bert.encoder.layer.7</c>.</summary>
    public EncoderBlock(EncoderSettings settings, WeightScope w, int index)
        : base((w ?? throw new ArgumentNullException(nameof(w))).Path)
    {
        ArgumentNullException.ThrowIfNull(settings);
        _settings = settings;
        (EncoderNames names, int width, Initializer normal) = (settings.Names, settings.Width, settings.Normal);
        WeightScope attention = w.As(ParameterKind.Attention);
        WeightScope mlp = w.As(ParameterKind.FeedForward);

        _query = Add(new Linear(attention.At(names.Query), width, width, normal));
        _key = Add(new Linear(attention.At(names.Key), width, width, normal));
        _value = Add(new Linear(attention.At(names.Value), width, width, normal));
        _attentionOut = Add(new Linear(attention.At(names.Output), width, width, normal));
        _attentionNorm = Add(new LayerNorm(w.At(names.AttentionNorm), width, settings.Eps));
        _afterAttention = Add(new BlockSite(w, BlockPlace.Attention, width, _attentionNorm.Forward));
        _up = Add(new Linear(mlp.At(names.Up), width, settings.Hidden, normal));
        _down = Add(new Linear(mlp.At(names.Down), settings.Hidden, width, normal));
        _mlpNorm = Add(new LayerNorm(w.At(names.FeedForwardNorm), width, settings.Eps));
        _afterMlp = Add(new BlockSite(w, BlockPlace.FeedForward, width, _mlpNorm.Forward));
        _output = Add(new BlockSite(w, BlockPlace.Output, width));

        var options = new AttentionOptions(settings.Heads)
        {
            Scale = settings.AttentionScale ?? 1f / MathF.Sqrt(settings.HeadWidth),
            DropoutRate = settings.AttentionDropout,
        };
        _attend = Add(new AttentionSite(attention.At(names.Attention), index, width, options, x => (_key.Forward(x), _value.Forward(x))));
    }

    /// <summary>The layer of queries, which families apply to distances as well.</summary>
    public Linear Query => _query;

    /// <summary>The layer of keys.</summary>
    public Linear Key => _key;

    /// <summary>Runs the block.</summary>
    /// <param name="x">[N, C].</param>
    /// <param name="batch">The rows.</param>
    /// <param name="index">Its number: a block may serve several.</param>
    /// <param name="relative">What scores learn of distances; null (default) for nothing.</param>
    /// <param name="tokens">The tokens whose vectors are wanted; null (default) for all.</param>
    public Tensor Forward(Tensor x, TokenBatch batch, int index, DistanceBias? relative = null, int[]? tokens = null)
    {
        ArgumentNullException.ThrowIfNull(batch);
        (Tensor all, AttentionSpans spans) = (x, batch.BidirectionalSpans());
        if (tokens is not null)
        {
            (x, spans) = (Ops.Rows(x, tokens), spans.Of(tokens));
        }

        (Tensor q, Tensor k, Tensor v) = (_query.Forward(x), _key.Forward(all), _value.Forward(all));
        Tensor attended = _attend.Run(batch, q, k, v, spans, keys => relative?.Bias(this, q, keys, spans, batch.KeysOf(tokens)), index);
        Tensor change = Ops.Dropout(_attentionOut.Forward(attended), _settings.AttentionOutputDropout ?? _settings.HiddenDropout);
        Tensor middle = _attentionNorm.Forward(Ops.Add(x, _afterAttention.Apply(change, x, x, batch)));

        Tensor hidden = Ops.Activate(_up.Forward(middle), _settings.Activation); // [N, H]
        change = Ops.Dropout(_down.Forward(hidden), _settings.HiddenDropout);
        Tensor y = _mlpNorm.Forward(Ops.Add(middle, _afterMlp.Apply(change, middle, middle, batch)));
        return _output.Apply(y, x, x, batch);
    }
}
