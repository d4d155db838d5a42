using Hieno.Formats;
using Hieno.Models.Heads;
using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Models.Gpt2;

/// <summary>The settings of a GPT-2 model, under the names of its <c>config.json</c>.</summary>
public sealed record Gpt2Config
{
    /// <summary>Reads the settings.</summary>
    public Gpt2Config(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        Width = config.GetInt("n_embd");
        Layers = config.GetInt("n_layer");
        Heads = config.GetInt("n_head");
        Positions = config.GetInt("n_positions", 1024);
        Vocabulary = config.GetInt("vocab_size");
        Hidden = config.GetInt("n_inner", 4 * Width);
        Activation = Activations.Parse(config.GetString("activation_function", "gelu_new")!);
        Eps = config.GetFloat("layer_norm_epsilon", 1e-5f);
        InitializerRange = config.GetFloat("initializer_range", 0.02f);
        EmbeddingDropout = config.GetFloat("embd_pdrop", 0.1f);
        AttentionDropout = config.GetFloat("attn_pdrop", 0.1f);
        ResidualDropout = config.GetFloat("resid_pdrop", 0.1f);
        ScaleAttention = config.GetBool("scale_attn_weights", true);
        ScaleByLayer = config.GetBool("scale_attn_by_inverse_layer_idx", false);
        Tied = config.GetBool("tie_word_embeddings", true);
    }

    /// <summary><c>n_embd</c>.</summary>
    public int Width { get; init; }

    /// <summary><c>n_layer</c>.</summary>
    public int Layers { get; init; }

    /// <summary><c>n_head</c>.</summary>
    public int Heads { get; init; }

    /// <summary><c>n_positions</c>.</summary>
    public int Positions { get; init; }

    /// <summary><c>vocab_size</c>.</summary>
    public int Vocabulary { get; init; }

    /// <summary><c>n_inner</c>, 4 · width by default.</summary>
    public int Hidden { get; init; }

    /// <summary><c>activation_function</c>.</summary>
    public Activation Activation { get; init; }

    /// <summary><c>layer_norm_epsilon</c>.</summary>
    public float Eps { get; init; }

    /// <summary><c>initializer_range</c>.</summary>
    public float InitializerRange { get; init; }

    /// <summary><c>embd_pdrop</c>.</summary>
    public float EmbeddingDropout { get; init; }

    /// <summary><c>attn_pdrop</c>.</summary>
    public float AttentionDropout { get; init; }

    /// <summary><c>resid_pdrop</c>.</summary>
    public float ResidualDropout { get; init; }

    /// <summary><c>scale_attn_weights</c>.</summary>
    public bool ScaleAttention { get; init; }

    /// <summary><c>scale_attn_by_inverse_layer_idx</c>.</summary>
    public bool ScaleByLayer { get; init; }

    /// <summary><c>tie_word_embeddings</c>.</summary>
    public bool Tied { get; init; }

    /// <summary>First values of weights: N(0, range²).</summary>
    public Initializer Normal => Initializer.Normal(InitializerRange);

    /// <summary>First values of the projections into the residual stream: divided by √(2 · layers), so that the stream's size does not grow with depth.</summary>
    public Initializer ScaledNormal => Initializer.Normal(InitializerRange / MathF.Sqrt(2f * Layers));
}

/// <summary>GPT-2: learned positions, pre-norm blocks, fused query-key-value projection, weights stored as [in, out].</summary>
/// <remarks>Radford et al. 2019, "Language models are unsupervised multitask learners".</remarks>
public sealed class Gpt2Backbone : Backbone
{
    private readonly Gpt2Config _config;
    private readonly Embedding _tokens;
    private readonly Embedding _positions;
    private readonly Gpt2Block[] _blocks;
    private readonly LayerNorm _norm;

    /// <summary>Builds the body from the weights under <paramref name="w"/>, usually <c>transformer</c>.</summary>
    public Gpt2Backbone(Gpt2Config config, WeightScope w)
        : base(w.Path)
    {
        ArgumentNullException.ThrowIfNull(config);
        _config = config;
        WeightScope tables = w.As(ParameterKind.Embedding);
        _tokens = Add(new Embedding(tables.At("wte"), config.Vocabulary, config.Width, config.Normal));
        _positions = Add(new Embedding(tables.At("wpe"), config.Positions, config.Width, config.Normal));
        _blocks = new Gpt2Block[config.Layers];
        for (int i = 0; i < _blocks.Length; i++)
        {
            _blocks[i] = Add(new Gpt2Block(config, w.At($"h.{i}").AtDepth(i + 1), i));
        }

        _norm = Add(new LayerNorm(w.At("ln_f").AtDepth(config.Layers + 1), config.Width, config.Eps));
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

    /// <inheritdoc/>
    protected internal override Tensor Embed(TokenBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        Tensor x = Ops.Add(WithPrompts(_tokens.Forward(batch.TextIds), batch), _positions.Forward(batch.Positions)); // [N, C]
        return Ops.Dropout(x, _config.EmbeddingDropout);
    }

    /// <inheritdoc/>
    protected override Tensor RunBlock(int index, Tensor x, TokenBatch batch, int[]? tokens) => _blocks[index].Forward(x, batch, tokens);

    /// <inheritdoc/>
    protected override Tensor Finish(Tensor x) => _norm.Forward(x);
}

/// <summary>One pre-norm layer: x += Attention(Norm(x)); x += Mlp(Norm(x)).</summary>
public sealed class Gpt2Block : Module
{
    private readonly Gpt2Config _config;
    private readonly LayerNorm _attentionNorm;
    private readonly Linear _queryKeyValue;
    private readonly Linear _attentionOut;
    private readonly AttentionSite _attend;
    private readonly BlockSite _afterAttention;
    private readonly LayerNorm _mlpNorm;
    private readonly Linear _up;
    private readonly Linear _down;
    private readonly BlockSite _afterMlp;
    private readonly BlockSite _output;

    /// <summary>Builds the layer from the weights under <paramref name="w"/>, e.g. <c>transformer.h.7</c>.</summary>
    public Gpt2Block(Gpt2Config config, WeightScope w, int index)
        : base(w.Path)
    {
        ArgumentNullException.ThrowIfNull(config);
        _config = config;
        (int width, int hidden) = (config.Width, config.Hidden);
        WeightScope attention = w.As(ParameterKind.Attention);
        WeightScope mlp = w.As(ParameterKind.FeedForward);

        _attentionNorm = Add(new LayerNorm(w.At("ln_1"), width, config.Eps));
        _queryKeyValue = Add(new Linear(attention.At("attn.c_attn"), width, 3 * width, config.Normal, transposed: true));
        _attentionOut = Add(new Linear(attention.At("attn.c_proj"), width, width, config.ScaledNormal, transposed: true));
        _afterAttention = Add(new BlockSite(w, BlockPlace.Attention, width));
        _mlpNorm = Add(new LayerNorm(w.At("ln_2"), width, config.Eps));
        _up = Add(new Linear(mlp.At("mlp.c_fc"), width, hidden, config.Normal, transposed: true));
        _down = Add(new Linear(mlp.At("mlp.c_proj"), hidden, width, config.ScaledNormal, transposed: true));
        _afterMlp = Add(new BlockSite(w, BlockPlace.FeedForward, width));
        _output = Add(new BlockSite(w, BlockPlace.Output, width));

        float scale = config.ScaleAttention ? 1f / MathF.Sqrt(width / config.Heads) : 1f;
        var options = new AttentionOptions(config.Heads)
        {
            Scale = config.ScaleByLayer ? scale / (index + 1) : scale,
            DropoutRate = config.AttentionDropout,
        };
        _attend = Add(new AttentionSite(attention.At("attn"), index, width, options, KeysAndValues));
    }

    /// <summary>Runs the layer.</summary>
    /// <param name="x">Residual stream, [N, C].</param>
    /// <param name="batch">The rows.</param>
    /// <param name="tokens">The tokens whose vectors are wanted; null (default) for all.</param>
    public Tensor Forward(Tensor x, TokenBatch batch, int[]? tokens = null)
    {
        ArgumentNullException.ThrowIfNull(batch);
        int width = _config.Width;
        Tensor h = _attentionNorm.Forward(x);
        Tensor[] qkv = Ops.Split(_queryKeyValue.Forward(h), width, width, width); // 3 × [N, C]
        (Tensor q, AttentionSpans spans) = (qkv[0], batch.CausalSpans());
        if (tokens is not null)
        {
            (x, q, spans) = (Ops.Rows(x, tokens), Ops.Rows(q, tokens), spans.Of(tokens));
        }

        Tensor attended = _attend.Run(batch, q, qkv[1], qkv[2], spans);
        Tensor change = Ops.Dropout(_attentionOut.Forward(attended), _config.ResidualDropout);
        Tensor middle = Ops.Add(x, _afterAttention.Apply(change, h, x, batch));

        h = _mlpNorm.Forward(middle);
        Tensor hidden = Ops.Activate(_up.Forward(h), _config.Activation); // [N, H]
        change = Ops.Dropout(_down.Forward(hidden), _config.ResidualDropout);
        Tensor y = Ops.Add(middle, _afterMlp.Apply(change, h, middle, batch));
        return _output.Apply(y, x, x, batch);
    }

    private (Tensor Keys, Tensor Values) KeysAndValues(Tensor x)
    {
        Tensor[] qkv = Ops.Split(_queryKeyValue.Forward(x), _config.Width, _config.Width, _config.Width);
        return (qkv[1], qkv[2]);
    }
}

/// <summary>How GPT-2 checkpoints are read.</summary>
public sealed class Gpt2Family : ModelFamily
{
    /// <inheritdoc/>
    public override string ModelType => "gpt2";

    /// <inheritdoc/>
    public override string BasePrefix => "transformer";

    /// <inheritdoc/>
    public override IReadOnlyList<string> DefaultTargets => ["c_attn"];

    /// <inheritdoc/>
    public override string BlockCountKey => "n_layer";

    /// <inheritdoc/>
    public override IReadOnlyList<string> ResidualOutputs => ["attn.c_proj", "mlp.c_proj"];

    /// <inheritdoc/>
    public override string Architecture(HeadKind head) => head == HeadKind.Language ? "GPT2LMHeadModel" : "GPT2ForSequenceClassification";

    /// <inheritdoc/>
    public override ModelConfig? Narrow(ModelConfig config, int divisor)
    {
        var wide = new Gpt2Config(config);
        int width = wide.Width / divisor;
        return With(config, ("n_embd", width), ("n_inner", Math.Max(1, wide.Hidden / divisor)), ("n_head", NarrowHeads(width, wide.Width / wide.Heads)), ("vocab_size", 1), ("n_positions", 1));
    }

    /// <inheritdoc/>
    public override Backbone CreateBackbone(ModelConfig config, WeightScope root)
    {
        ArgumentNullException.ThrowIfNull(root);
        return new Gpt2Backbone(new Gpt2Config(config), root.At(BasePrefix));
    }

    /// <inheritdoc/>
    public override VocabularyHead CreateLanguageHead(ModelConfig config, WeightScope root, Backbone backbone)
    {
        ArgumentNullException.ThrowIfNull(root);
        var settings = new Gpt2Config(config);
        return new CausalHead(root.At("lm_head"), backbone, settings.Tied, settings.Normal);
    }

    /// <inheritdoc/>
    public override ClassificationHead CreateClassificationHead(ModelConfig config, WeightScope root, Backbone backbone, int outputs)
    {
        ArgumentNullException.ThrowIfNull(root);
        return new LastTokenHead(root.At("score"), backbone, outputs, new Gpt2Config(config).Normal);
    }

    /// <inheritdoc/>
    public override int MaxPositions(ModelConfig config) => new Gpt2Config(config).Positions;

    /// <inheritdoc/>
    public override bool IsForeign(string name) =>
        base.IsForeign(name) || name is "lm_head.weight" || name.EndsWith(".attn.bias", StringComparison.Ordinal) || name.EndsWith(".attn.masked_bias", StringComparison.Ordinal);
}
