using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Models.Vision.Clip;

/// <summary>CLIP's text tower: a decoder whose last token stands for the text.</summary>
/// <remarks>Radford et al. 2021, <see href="https://arxiv.org/abs/2103.00020"/>, section 2.4.</remarks>
public sealed class ClipTextBackbone : Backbone
{
    private readonly ClipTextConfig _config;
    private readonly Embedding _tokens;
    private readonly Embedding _positions;
    private readonly PreNormBlock[] _blocks;
    private readonly LayerNorm _norm;

    /// <summary>Builds the tower from the weights under <paramref name="w"/>, <c>text_model</c>.</summary>
    public ClipTextBackbone(ClipTextConfig config, WeightScope w)
        : base((w ?? throw new ArgumentNullException(nameof(w))).Path)
    {
        ArgumentNullException.ThrowIfNull(config);
        _config = config;
        WeightScope tables = w.At("embeddings").As(ParameterKind.Embedding);
        _tokens = Add(new Embedding(tables.At("token_embedding"), config.Vocabulary, config.Width, ClipConfig.TableStart));
        _positions = Add(new Embedding(tables.At("position_embedding"), config.Positions, config.Width, ClipConfig.TableStart));
        var options = new AttentionOptions(config.Heads) { DropoutRate = config.AttentionDropout };
        _blocks = [.. Enumerable.Range(0, config.Layers).Select(i => Add(ClipBlock.Create(
            w.At($"encoder.layers.{i}").AtDepth(i + 1), i, config.Layers, config.Width, config.Hidden, options, config.Activation, config.Eps)))];
        _norm = Add(new LayerNorm(w.At("final_layer_norm").AtDepth(config.Layers + 1), config.Width, config.Eps));
    }

    /// <inheritdoc/>
    public override int Width => _config.Width;

    /// <inheritdoc/>
    public override int VocabularySize => _config.Vocabulary;

    /// <inheritdoc/>
    public override int MaxPositions => _config.Positions;

    /// <inheritdoc/>
    public override IReadOnlyList<Module> Blocks => _blocks;

    /// <inheritdoc/>
    public override bool IsCausal => true;

    /// <inheritdoc/>
    public override int KeyWidth => _config.Width;

    /// <inheritdoc/>
    public override Parameter TokenTable => _tokens.Table;

    /// <summary>The place of the token that stands for each text: the first that ends it.</summary>
    /// <param name="batch">The texts.</param>
    /// <exception cref="ArgumentException">A text has no token that ends it.</exception>
    public int[] EndsOf(TokenBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        int[] ends = batch.FirstTokens();
        for (int row = 0; row < ends.Length; row++)
        {
            ReadOnlySpan<int> ids = batch.Ids.AsSpan(ends[row], batch.Lengths[row]);
            int largest = 0;
            for (int i = 1; i < ids.Length; i++)
            {
                largest = ids[i] > ids[largest] ? i : largest;
            }

            int place = _config.EndToken is { } end ? ids.IndexOf(end) : largest;
            ends[row] += place >= 0 ? place : throw new ArgumentException($"Text {row} has no token {_config.EndToken}, which ends a text. Encode it with the model's tokenizer.", nameof(batch));
        }

        return ends;
    }

    /// <inheritdoc/>
    protected internal override Tensor Embed(TokenBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        return Ops.Add(WithPrompts(_tokens.Forward(batch.TextIds), batch), _positions.Forward(batch.Positions)); // [N, C]
    }

    /// <inheritdoc/>
    protected override Tensor RunBlock(int index, Tensor x, TokenBatch batch, int[]? tokens)
    {
        ArgumentNullException.ThrowIfNull(batch);
        Tensor y = _blocks[index].Forward(x, batch, batch.CausalSpans());
        return tokens is null ? y : Ops.Rows(y, tokens);
    }

    /// <inheritdoc/>
    protected override Tensor Finish(Tensor x) => _norm.Forward(x);
}
