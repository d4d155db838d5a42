using Hieno.Tensors;

namespace Hieno.Models.Layers;

/// <summary>What happens to the change that a part of a block makes, before it is added to the residual stream.</summary>
public sealed record ResidualOptions
{
    /// <summary>The part of its numbers that is left out in training. Default 0.</summary>
    public float Dropout { get; init; }

    /// <summary>The probability with which a whole row is passed by in training. Default 0.</summary>
    public float DropPath { get; init; }

    /// <summary>Factors of what attention changes, [C]; null (default) for none.</summary>
    public Parameter? AttentionScale { get; init; }

    /// <summary>Factors of what the feed-forward layers change, [C]; null (default) for none.</summary>
    public Parameter? MlpScale { get; init; }
}

/// <summary>One pre-norm block: x += s₁ ∘ Attention(Norm(x)); x += s₂ ∘ Mlp(Norm(x)).</summary>
/// <remarks>
/// Dosovitskiy et al. 2020, <see href="https://arxiv.org/abs/2010.11929"/>, equations 2 and 3; the scales s: Touvron et al. 2021,
/// <see href="https://arxiv.org/abs/2103.17239"/>, equation 4; passing rows by: Huang et al. 2016, <see href="https://arxiv.org/abs/1603.09382"/>.
/// </remarks>
public sealed class PreNormBlock : Module
{
    private readonly LayerNorm _attentionNorm;
    private readonly BlockSite _afterAttention;
    private readonly LayerNorm _mlpNorm;
    private readonly Mlp _mlp;
    private readonly BlockSite _afterMlp;
    private readonly BlockSite _output;
    private readonly ResidualOptions _options;

    /// <summary>Puts the parts together.</summary>
    /// <param name="w">The block's place in the checkpoint.</param>
    /// <param name="width">C.</param>
    /// <param name="attentionNorm">The norm before attention.</param>
    /// <param name="attention">Attention.</param>
    /// <param name="mlpNorm">The norm before the feed-forward layers.</param>
    /// <param name="mlp">The feed-forward layers.</param>
    /// <param name="options">Scales and dropout; none when null.</param>
    public PreNormBlock(WeightScope w, int width, LayerNorm attentionNorm, SelfAttention attention, LayerNorm mlpNorm, Mlp mlp, ResidualOptions? options = null)
        : base((w ?? throw new ArgumentNullException(nameof(w))).Path)
    {
        _options = options ?? new ResidualOptions();
        _attentionNorm = Add(attentionNorm);
        Attention = Add(attention);
        _afterAttention = Add(new BlockSite(w, BlockPlace.Attention, width));
        _mlpNorm = Add(mlpNorm);
        _mlp = Add(mlp);
        _afterMlp = Add(new BlockSite(w, BlockPlace.FeedForward, width));
        _output = Add(new BlockSite(w, BlockPlace.Output, width));
        Parameter?[] scales = [_options.AttentionScale, _options.MlpScale];
        Array.ForEach([.. scales.OfType<Parameter>()], scale => Add(scale));
    }

    /// <summary>The block's attention.</summary>
    public SelfAttention Attention { get; }

    /// <summary>Runs the block.</summary>
    /// <param name="x">The residual stream, [N, C].</param>
    /// <param name="batch">The rows.</param>
    /// <param name="spans">What each vector sees.</param>
    /// <returns>[N, C].</returns>
    public Tensor Forward(Tensor x, TokenBatch batch, AttentionSpans spans) => Forward(x, batch, h => Attention.Forward(h, batch, spans));

    /// <summary>Runs the block with attention as the caller arranges it.</summary>
    /// <param name="x">The residual stream, [N, C].</param>
    /// <param name="batch">The rows.</param>
    /// <param name="attend">What attention makes of the normalised stream, [N, C] → [N, C].</param>
    /// <returns>[N, C].</returns>
    public Tensor Forward(Tensor x, TokenBatch batch, Func<Tensor, Tensor> attend)
    {
        ArgumentNullException.ThrowIfNull(batch);
        ArgumentNullException.ThrowIfNull(attend);
        Tensor h = _attentionNorm.Forward(x);
        Tensor change = Scaled(Ops.Dropout(attend(h), _options.Dropout), _options.AttentionScale);
        Tensor middle = Ops.Add(x, Ops.DropRows(_afterAttention.Apply(change, h, x, batch), batch.Lengths, _options.DropPath));

        h = _mlpNorm.Forward(middle);
        change = Scaled(Ops.Dropout(_mlp.Forward(h), _options.Dropout), _options.MlpScale);
        Tensor y = Ops.Add(middle, Ops.DropRows(_afterMlp.Apply(change, h, middle, batch), batch.Lengths, _options.DropPath));
        return _output.Apply(y, x, x, batch);
    }

    private static Tensor Scaled(Tensor change, Parameter? scale) => scale is null ? change : Ops.ScaleColumns(change, scale);
}
