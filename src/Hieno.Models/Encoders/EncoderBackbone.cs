using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Models.Encoders;

/// <summary>An encoder: blocks through which each token sees the whole row, with norms after each part.</summary>
public sealed class EncoderBackbone : Backbone
{
    private readonly EncoderSettings _settings;
    private readonly Embedding _tokens;
    private readonly Embedding? _positions;
    private readonly Embedding? _types;
    private readonly LayerNorm _norm;
    private readonly Linear? _project;
    private readonly EncoderBlock[] _blocks;
    private readonly DistanceBias? _relative;

    /// <summary>Builds the body from the weights under <paramref name="w"/>, usually <c>bert</c>.</summary>
    public EncoderBackbone(EncoderSettings settings, WeightScope w)
        : base((w ?? throw new ArgumentNullException(nameof(w))).Path)
    {
        ArgumentNullException.ThrowIfNull(settings);
        _settings = settings;
        (EncoderNames names, int width, WeightScope tables) = (settings.Names, settings.TokenWidth ?? settings.Width, w.As(ParameterKind.Embedding));
        _tokens = Add(new Embedding(tables.At(names.Tokens), settings.Vocabulary, width, settings.Normal));
        _positions = names.Positions is null ? null : Add(new Embedding(tables.At(names.Positions), settings.Positions + settings.PositionOffset, width, settings.Normal));
        _types = names.Types is null || settings.Types == 0 ? null : Add(new Embedding(tables.At(names.Types), settings.Types, width, settings.Normal));
        _norm = Add(new LayerNorm(w.At(names.EmbeddingNorm), width, settings.Eps));
        _project = width == settings.Width ? null : Add(new Linear(tables.At(names.Projection), width, settings.Width, settings.Normal, settings.ProjectionBias));
        _relative = settings.Relative is { } create ? Add(create(settings, w)) : null;

        int groups = settings.Groups ?? settings.Layers;
        EncoderBlock[] own = [.. Enumerable.Range(0, groups).Select(i => Add(new EncoderBlock(settings, w.At($"{names.Blocks}.{i}").AtDepth((i * settings.Layers / groups) + 1), i)))];
        _blocks = [.. Enumerable.Range(0, settings.Layers).Select(i => own[i * groups / settings.Layers])];
    }

    /// <inheritdoc/>
    public override int Width => _settings.Width;

    /// <inheritdoc/>
    public override int VocabularySize => _settings.Vocabulary;

    /// <inheritdoc/>
    public override int MaxPositions => _settings.Positions;

    /// <inheritdoc/>
    public override IReadOnlyList<Module> Blocks => _blocks;

    /// <inheritdoc/>
    public override bool IsCausal => false;

    /// <inheritdoc/>
    public override int KeyWidth => _settings.Width;

    /// <inheritdoc/>
    public override Parameter TokenTable => _tokens.Table;

    /// <inheritdoc/>
    protected internal override Tensor Embed(TokenBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        Tensor x = WithPrompts(_tokens.Forward(batch.TextIds), batch); // [N, E]
        x = _types is null ? x : Ops.Add(x, _types.Forward(batch.TokenTypes ?? new int[batch.Ids.Length]));
        x = _positions is null ? x : Ops.Add(x, _positions.Forward(Array.ConvertAll(batch.Positions, position => position + _settings.PositionOffset)));
        x = Ops.Dropout(_norm.Forward(x), _settings.HiddenDropout);
        return _project?.Forward(x) ?? x;
    }

    /// <inheritdoc/>
    protected override Tensor RunBlock(int index, Tensor x, TokenBatch batch, int[]? tokens) => _blocks[index].Forward(x, batch, index, _relative, tokens);
}
