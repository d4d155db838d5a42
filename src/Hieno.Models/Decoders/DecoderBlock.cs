using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Models.Decoders;

/// <summary>One block of a decoder: attention and feed-forward layers, each added to the residual stream.</summary>
public sealed class DecoderBlock : Module
{
    private readonly DecoderSettings _settings;
    private readonly int _index;
    private readonly Normalization? _attentionNorm;
    private readonly QueryKeyValue _project;
    private readonly Linear _attentionOut;
    private readonly AttentionSite _attend;
    private readonly Normalization? _afterAttentionNorm;
    private readonly BlockSite _afterAttention;
    private readonly Normalization? _mlpNorm;
    private readonly FeedForward _mlp;
    private readonly Normalization? _afterMlpNorm;
    private readonly BlockSite _afterMlp;
    private readonly BlockSite _output;

    /// <summary>Builds the block from the weights under <paramref name="w"/>, e.g. <c>model.layers.7</c>.</summary>
    public DecoderBlock(DecoderSettings settings, WeightScope w, int index)
        : base((w ?? throw new ArgumentNullException(nameof(w))).Path)
    {
        ArgumentNullException.ThrowIfNull(settings);
        (_settings, _index) = (settings, index);
        (DecoderNames names, int width, WeightScope attention) = (settings.Names, settings.Width, w.As(ParameterKind.Attention));

        _attentionNorm = NormAt(settings.BeginsUnnormed && index == 0 ? null : names.AttentionNorm);
        _project = Add(QueryKeyValue.Create(settings, w));
        _attentionOut = Add(new Linear(attention.At(names.Output), settings.Heads * settings.HeadWidth, width, settings.OutputNormal, settings.OutputBias, settings.Transposed));
        _afterAttentionNorm = NormAt(names.AfterAttentionNorm);
        _afterAttention = Add(new BlockSite(w, BlockPlace.Attention, width, settings.NormsSums ? _attentionNorm!.Forward : null));
        _mlpNorm = NormAt(names.FeedForwardNorm);
        _mlp = Add(CreateFeedForward(settings, w, index));
        _afterMlpNorm = NormAt(names.AfterFeedForwardNorm);
        _afterMlp = Add(new BlockSite(w, BlockPlace.FeedForward, width, settings.NormsSums ? _mlpNorm!.Forward : null));
        _output = Add(new BlockSite(w, BlockPlace.Output, width));

        var options = new AttentionOptions(settings.Heads)
        {
            KvHeads = settings.KvHeads,
            Scale = settings.AttentionScale?.Invoke(index) ?? 1f / MathF.Sqrt(settings.HeadWidth),
            SoftCap = settings.ScoreLimit,
            Slopes = settings.Slopes,
            DropoutRate = settings.AttentionDropout,
        };
        _attend = Add(new AttentionSite(attention.At(names.Attention), index, width, options, _project.KeysAndValues));

        Normalization? NormAt(string? name) => name is null ? null : Add(settings.Norm(w.At(name)));
    }

    /// <summary>Runs the block.</summary>
    /// <param name="x">Residual stream, [N, C].</param>
    /// <param name="batch">The rows.</param>
    /// <param name="rope">Cosines and sines of their positions; null (default) where nothing is rotated.</param>
    /// <param name="tokens">The tokens whose vectors are wanted; null (default) for all.</param>
    public Tensor Forward(Tensor x, TokenBatch batch, RopeTable? rope = null, int[]? tokens = null)
    {
        ArgumentNullException.ThrowIfNull(batch);
        Tensor h = _settings.NormsSums ? x : _attentionNorm?.Forward(x) ?? x;
        Tensor all = h;
        if (tokens is not null)
        {
            (x, h) = (Ops.Rows(x, tokens), Ops.Rows(h, tokens));
        }

        Tensor attended = Changed(_attentionOut.Forward(Attend(all, h, batch, rope, tokens)), _settings.AttentionOutputDropout, _afterAttentionNorm);
        Tensor stream = _settings.ResidualIsNormed ? h : x;
        attended = _afterAttention.Apply(attended, h, stream, batch);
        Tensor y = _settings.Parallel ? Beside(x, h, attended, batch) : Behind(stream, attended, batch);
        return _output.Apply(y, x, x, batch);
    }

    // Attention over all tokens, for the queries of some.
    private Tensor Attend(Tensor all, Tensor wanted, TokenBatch batch, RopeTable? rope, int[]? tokens)
    {
        (Tensor q, Tensor k, Tensor v) = _project.Forward(all, wanted, tokens);
        (int[] positions, AttentionSpans spans) = (batch.Positions, _settings.IsCausal ? batch.CausalSpans(_settings.Window(_index)) : batch.BidirectionalSpans(_settings.Window(_index)));
        if (tokens is not null)
        {
            (positions, spans) = (Array.ConvertAll(tokens, token => positions[token]), spans.Of(tokens));
        }

        if (rope is not null)
        {
            q = Ops.Rope(q, rope, positions, _settings.HeadWidth, _settings.RopeLayout);       // [N, heads · D]
            k = Ops.Rope(k, rope, batch.Positions, _settings.HeadWidth, _settings.RopeLayout); // [N, key heads · D]
        }

        return _attend.Run(batch, q, k, v, spans);
    }

    // The feed-forward layers read the stream with attention's change in it.
    private Tensor Behind(Tensor stream, Tensor attended, TokenBatch batch)
    {
        Tensor middle = Ops.Add(stream, attended);
        middle = _settings.NormsSums ? _attentionNorm!.Forward(middle) : middle;
        Tensor h = _settings.NormsSums ? middle : _mlpNorm?.Forward(middle) ?? middle;
        Tensor change = Changed(_mlp.Forward(h, batch), _settings.FeedForwardDropout, _afterMlpNorm);
        stream = _settings.ResidualIsNormed ? h : middle;
        Tensor y = Ops.Add(stream, _afterMlp.Apply(change, h, stream, batch));
        return _settings.NormsSums ? _mlpNorm!.Forward(y) : y;
    }

    // They read what attention reads, or a norm of their own of it.
    private Tensor Beside(Tensor x, Tensor h, Tensor attended, TokenBatch batch)
    {
        h = _mlpNorm?.Forward(x) ?? h;
        Tensor change = Changed(_mlp.Forward(h, batch), _settings.FeedForwardDropout, _afterMlpNorm);
        return Ops.Add(x, Ops.Add(attended, _afterMlp.Apply(change, h, x, batch)));
    }

    private Tensor Changed(Tensor change, float dropout, Normalization? norm)
    {
        change = Ops.Dropout(norm?.Forward(change) ?? change, dropout);
        return _settings.ResidualScale == 1f ? change : Ops.Scale(change, _settings.ResidualScale);
    }

    private static FeedForward CreateFeedForward(DecoderSettings settings, WeightScope w, int index) =>
        settings.FeedForward is { } create ? create(settings, w, index)
        : settings.Names.Gate is not null ? new GatedFeedForward(settings, w)
        : new PlainFeedForward(settings, w);
}
