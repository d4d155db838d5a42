using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Models.Decoders;

/// <summary>A decoder: blocks through which each token sees those before it, or in families that are built alike the whole row.</summary>
public sealed class DecoderBackbone : Backbone
{
    private readonly DecoderSettings _settings;
    private readonly Dictionary<RopeSettings, RopeTables> _rope = new(ReferenceEqualityComparer.Instance);
    private readonly Embedding _tokens;
    private readonly Embedding? _positions;
    private readonly Normalization? _embeddingNorm;
    private readonly Linear? _in;
    private readonly DecoderBlock[] _blocks;
    private readonly Normalization? _norm;
    private readonly Linear? _out;

    /// <summary>Builds the body from the weights under <paramref name="w"/>, usually <c>model</c>.</summary>
    public DecoderBackbone(DecoderSettings settings, WeightScope w)
        : base((w ?? throw new ArgumentNullException(nameof(w))).Path)
    {
        ArgumentNullException.ThrowIfNull(settings);
        _settings = settings;
        (DecoderNames names, WeightScope tables, WeightScope end) = (settings.Names, w.As(ParameterKind.Embedding), w.AtDepth(settings.Layers + 1));
        (int width, int tokenWidth) = (settings.Width, settings.TokenWidth ?? settings.Width);
        _tokens = Add(new Embedding(tables.At(names.Tokens), settings.Vocabulary, tokenWidth, settings.Normal));
        _positions = names.Positions is null
            ? null
            : Add(new Embedding(tables.At(names.Positions), settings.Positions + settings.PositionOffset, width, settings.Normal));
        _embeddingNorm = names.EmbeddingNorm is null ? null : Add(settings.Norm(w.At(names.EmbeddingNorm)));
        _in = tokenWidth == width ? null : Add(new Linear(tables.At("project_in"), tokenWidth, width, settings.Normal, bias: false));
        _blocks = new DecoderBlock[settings.Layers];
        for (int i = 0; i < _blocks.Length; i++)
        {
            _blocks[i] = Add(new DecoderBlock(settings, w.At($"{names.Blocks}.{i}").AtDepth(i + 1), i));
            if (settings.Rope(i) is { } rope)
            {
                _rope.TryAdd(rope, rope.CreateTables());
            }
        }

        _norm = names.FinalNorm is null ? null : Add(settings.Norm(end.At(names.FinalNorm)));
        _out = tokenWidth == width ? null : Add(new Linear(end.At("project_out"), width, tokenWidth, settings.Normal, bias: false));
    }

    /// <inheritdoc/>
    public override int Width => _settings.Width;

    /// <inheritdoc/>
    public override int OutputWidth => _settings.TokenWidth ?? _settings.Width;

    /// <inheritdoc/>
    public override int VocabularySize => _settings.Vocabulary;

    /// <inheritdoc/>
    public override int MaxPositions => _settings.Positions;

    /// <inheritdoc/>
    public override IReadOnlyList<Module> Blocks => _blocks;

    /// <inheritdoc/>
    public override bool IsCausal => _settings.IsCausal;

    /// <inheritdoc/>
    public override int KeyWidth => _settings.KvHeads * _settings.HeadWidth;

    /// <inheritdoc/>
    public override Parameter TokenTable => _tokens.Table;

    /// <inheritdoc/>
    protected internal override Tensor Embed(TokenBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        Tensor x = WithPrompts(Scaled(_tokens.Forward(batch.TextIds), _settings.TokenScale), batch);
        x = _in?.Forward(x) ?? x; // [N, C]
        if (_positions is not null)
        {
            x = Ops.Add(x, _positions.Forward(Array.ConvertAll(batch.Positions, position => position + _settings.PositionOffset)));
        }

        x = Scaled(_embeddingNorm?.Forward(x) ?? x, _settings.EmbeddingScale);
        return Ops.Dropout(x, _settings.EmbeddingDropout);
    }

    /// <inheritdoc/>
    protected override Tensor RunBlock(int index, Tensor x, TokenBatch batch, int[]? tokens)
    {
        RopeTable? rope = _settings.Rope(index) is { } turning ? _rope[turning].For(batch) : null;
        bool countsAll = tokens is not null && _settings.BalanceWeight > 0f; // the balance of experts is that of all tokens
        return countsAll ? Ops.Rows(_blocks[index].Forward(x, batch, rope), tokens!) : _blocks[index].Forward(x, batch, rope, tokens);
    }

    /// <inheritdoc/>
    public override float AuxiliaryLoss(TokenBatch batch, float share)
    {
        ArgumentNullException.ThrowIfNull(batch);
        return _settings.BalanceWeight > 0f ? batch.Routers.Balance(_settings.BalanceWeight * share) : 0f;
    }

    /// <inheritdoc/>
    protected internal override bool RowsAreIndependent(TokenBatch batch) => _rope.Values.All(tables => tables.IsCommon(batch)); // else angles follow the longest row

    /// <inheritdoc/>
    protected override Tensor Finish(Tensor x)
    {
        Tensor y = _norm?.Forward(x) ?? x;
        return _out?.Forward(y) ?? y;
    }

    private static Tensor Scaled(Tensor x, float factor) => factor == 1f ? x : Ops.Scale(x, factor);
}
