using Hieno.Formats;
using Hieno.Models.Heads;
using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Models.Llama;

/// <summary>The settings of a Llama-shaped model (Llama, Mistral, Qwen2), under the names of its <c>config.json</c>.</summary>
public sealed record LlamaConfig
{
    /// <summary>Reads the settings that all variants share.</summary>
    public LlamaConfig(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        Width = config.GetInt("hidden_size");
        Layers = config.GetInt("num_hidden_layers");
        Heads = config.GetInt("num_attention_heads");
        KvHeads = config.GetInt("num_key_value_heads", Heads);
        HeadWidth = config.GetInt("head_dim", Width / Heads);
        Hidden = config.GetInt("intermediate_size");
        Vocabulary = config.GetInt("vocab_size");
        Positions = config.GetInt("max_position_embeddings", 2048);
        Eps = config.GetFloat("rms_norm_eps", 1e-6f);
        Activation = Activations.Parse(config.GetString("hidden_act", "silu")!);
        AttentionDropout = config.GetFloat("attention_dropout", 0f);
        InitializerRange = config.GetFloat("initializer_range", 0.02f);
        QueryKeyValueBias = config.GetBool("attention_bias", false);
        OutputBias = QueryKeyValueBias;
        MlpBias = config.GetBool("mlp_bias", false);
        Tied = config.GetBool("tie_word_embeddings", false);
        Rope = RopeSettings.Read(config, HeadWidth, Positions);
    }

    /// <summary><c>hidden_size</c>.</summary>
    public int Width { get; init; }

    /// <summary><c>num_hidden_layers</c>.</summary>
    public int Layers { get; init; }

    /// <summary><c>num_attention_heads</c>.</summary>
    public int Heads { get; init; }

    /// <summary><c>num_key_value_heads</c>; as many as query heads by default.</summary>
    public int KvHeads { get; init; }

    /// <summary><c>head_dim</c>; width / heads by default.</summary>
    public int HeadWidth { get; init; }

    /// <summary><c>intermediate_size</c>.</summary>
    public int Hidden { get; init; }

    /// <summary><c>vocab_size</c>.</summary>
    public int Vocabulary { get; init; }

    /// <summary><c>max_position_embeddings</c>.</summary>
    public int Positions { get; init; }

    /// <summary><c>rms_norm_eps</c>.</summary>
    public float Eps { get; init; }

    /// <summary><c>hidden_act</c>.</summary>
    public Activation Activation { get; init; }

    /// <summary><c>attention_dropout</c>.</summary>
    public float AttentionDropout { get; init; }

    /// <summary><c>initializer_range</c>.</summary>
    public float InitializerRange { get; init; }

    /// <summary>True when the query, key and value projections have offsets.</summary>
    public bool QueryKeyValueBias { get; init; }

    /// <summary>True when the output projection of attention has an offset.</summary>
    public bool OutputBias { get; init; }

    /// <summary><c>mlp_bias</c>.</summary>
    public bool MlpBias { get; init; }

    /// <summary><c>tie_word_embeddings</c>.</summary>
    public bool Tied { get; init; }

    /// <summary>The rotary positions.</summary>
    public RopeSettings Rope { get; init; }

    /// <summary>How many tokens back layer i sees, itself included; null means all. Default: no limit.</summary>
    public Func<int, int?> Window { get; init; } = _ => null;

    /// <summary>First values of weights: N(0, range²).</summary>
    public Initializer Normal => Initializer.Normal(InitializerRange);
}

/// <summary>Llama: rotary positions, grouped-query attention, RMS norms before each part, SwiGLU.</summary>
/// <remarks>Touvron et al. 2023, <see href="https://arxiv.org/abs/2302.13971"/>, section 2.2.</remarks>
public sealed class LlamaBackbone : Backbone
{
    private readonly LlamaConfig _config;
    private readonly RopeTables _rope;
    private readonly Embedding _tokens;
    private readonly LlamaBlock[] _blocks;
    private readonly RmsNorm _norm;

    /// <summary>Builds the body from the weights under <paramref name="w"/>, usually <c>model</c>.</summary>
    public LlamaBackbone(LlamaConfig config, WeightScope w)
        : base(w.Path)
    {
        ArgumentNullException.ThrowIfNull(config);
        _config = config;
        _rope = config.Rope.CreateTables();
        _tokens = Add(new Embedding(w.At("embed_tokens").As(ParameterKind.Embedding), config.Vocabulary, config.Width, config.Normal));
        _blocks = new LlamaBlock[config.Layers];
        for (int i = 0; i < _blocks.Length; i++)
        {
            _blocks[i] = Add(new LlamaBlock(config, w.At($"layers.{i}").AtDepth(i + 1), i));
        }

        _norm = Add(new RmsNorm(w.At("norm").AtDepth(config.Layers + 1), config.Width, config.Eps));
    }

    /// <inheritdoc/>
    public override int Width => _config.Width;

    /// <inheritdoc/>
    public override int VocabularySize => _config.Vocabulary;

    /// <inheritdoc/>
    public override int MaxPositions => _config.Rope.MaxPositions;

    /// <inheritdoc/>
    public override IReadOnlyList<Module> Blocks => _blocks;

    /// <inheritdoc/>
    public override bool IsCausal => true;

    /// <inheritdoc/>
    public override int KeyWidth => _config.KvHeads * _config.HeadWidth;

    /// <inheritdoc/>
    public override Parameter TokenTable => _tokens.Table;

    /// <inheritdoc/>
    protected internal override Tensor Embed(TokenBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        return WithPrompts(_tokens.Forward(batch.TextIds), batch); // [N, C]
    }

    /// <inheritdoc/>
    protected override Tensor RunBlock(int index, Tensor x, TokenBatch batch, int[]? tokens) =>
        _blocks[index].Forward(x, batch, _rope.For(batch), tokens);

    /// <inheritdoc/>
    protected internal override bool RowsAreIndependent(TokenBatch batch) => _rope.IsCommon(batch); // else angles follow the longest row

    /// <inheritdoc/>
    protected override Tensor Finish(Tensor x) => _norm.Forward(x);
}

/// <summary>One pre-norm layer: x += Attention(Norm(x)); x += Mlp(Norm(x)).</summary>
public sealed class LlamaBlock : Module
{
    private readonly LlamaConfig _config;
    private readonly RmsNorm _attentionNorm;
    private readonly Linear _query;
    private readonly Linear _key;
    private readonly Linear _value;
    private readonly Linear _attentionOut;
    private readonly int _index;
    private readonly AttentionSite _attend;
    private readonly BlockSite _afterAttention;
    private readonly RmsNorm _mlpNorm;
    private readonly Linear _gate;
    private readonly Linear _up;
    private readonly Linear _down;
    private readonly BlockSite _afterMlp;
    private readonly BlockSite _output;

    /// <summary>Builds the layer from the weights under <paramref name="w"/>, e.g. <c>model.layers.7</c>.</summary>
    public LlamaBlock(LlamaConfig config, WeightScope w, int index)
        : base(w.Path)
    {
        ArgumentNullException.ThrowIfNull(config);
        (_config, _index) = (config, index);
        (int width, int queries, int keys) = (config.Width, config.Heads * config.HeadWidth, config.KvHeads * config.HeadWidth);
        WeightScope attention = w.At("self_attn").As(ParameterKind.Attention);
        WeightScope mlp = w.At("mlp").As(ParameterKind.FeedForward);

        _attentionNorm = Add(new RmsNorm(w.At("input_layernorm"), width, config.Eps));
        _query = Add(new Linear(attention.At("q_proj"), width, queries, config.Normal, config.QueryKeyValueBias));
        _key = Add(new Linear(attention.At("k_proj"), width, keys, config.Normal, config.QueryKeyValueBias));
        _value = Add(new Linear(attention.At("v_proj"), width, keys, config.Normal, config.QueryKeyValueBias));
        _attentionOut = Add(new Linear(attention.At("o_proj"), queries, width, config.Normal, config.OutputBias));
        _afterAttention = Add(new BlockSite(w, BlockPlace.Attention, width));
        _mlpNorm = Add(new RmsNorm(w.At("post_attention_layernorm"), width, config.Eps));
        _gate = Add(new Linear(mlp.At("gate_proj"), width, config.Hidden, config.Normal, config.MlpBias));
        _up = Add(new Linear(mlp.At("up_proj"), width, config.Hidden, config.Normal, config.MlpBias));
        _down = Add(new Linear(mlp.At("down_proj"), config.Hidden, width, config.Normal, config.MlpBias));
        _afterMlp = Add(new BlockSite(w, BlockPlace.FeedForward, width));
        _output = Add(new BlockSite(w, BlockPlace.Output, width));

        var options = new AttentionOptions(config.Heads)
        {
            KvHeads = config.KvHeads,
            Scale = 1f / MathF.Sqrt(config.HeadWidth),
            DropoutRate = config.AttentionDropout,
        };
        _attend = Add(new AttentionSite(attention, index, width, options, x => (_key.Forward(x), _value.Forward(x))));
    }

    /// <summary>Runs the layer.</summary>
    /// <param name="x">Residual stream, [N, C].</param>
    /// <param name="batch">The rows.</param>
    /// <param name="rope">Cosines and sines of their positions.</param>
    /// <param name="tokens">The tokens whose vectors are wanted; null (default) for all.</param>
    public Tensor Forward(Tensor x, TokenBatch batch, RopeTable rope, int[]? tokens = null)
    {
        ArgumentNullException.ThrowIfNull(batch);
        Tensor h = _attentionNorm.Forward(x);
        (Tensor all, int[] positions, AttentionSpans spans) = (h, batch.Positions, batch.CausalSpans(_config.Window(_index)));
        if (tokens is not null)
        {
            (x, h, spans) = (Ops.Rows(x, tokens), Ops.Rows(h, tokens), spans.Of(tokens));
            positions = Array.ConvertAll(tokens, token => positions[token]);
        }

        Tensor q = Ops.Rope(_query.Forward(h), rope, positions, _config.HeadWidth);         // [N, heads · D]
        Tensor k = Ops.Rope(_key.Forward(all), rope, batch.Positions, _config.HeadWidth);   // [N, kv heads · D]
        Tensor v = _value.Forward(all);
        Tensor attended = _attend.Run(batch, q, k, v, spans);
        Tensor middle = Ops.Add(x, _afterAttention.Apply(_attentionOut.Forward(attended), h, x, batch));

        h = _mlpNorm.Forward(middle);
        Tensor hidden = Ops.GatedActivate(_gate.Forward(h), _up.Forward(h), _config.Activation); // [N, H], SwiGLU
        Tensor y = Ops.Add(middle, _afterMlp.Apply(_down.Forward(hidden), h, middle, batch));
        return _output.Apply(y, x, x, batch);
    }
}

/// <summary>How Llama checkpoints are read.</summary>
public class LlamaFamily : ModelFamily
{
    /// <inheritdoc/>
    public override string ModelType => "llama";

    /// <inheritdoc/>
    public override string BasePrefix => "model";

    /// <inheritdoc/>
    public override IReadOnlyList<string> DefaultTargets => ["q_proj", "v_proj"];

    /// <inheritdoc/>
    public override IReadOnlyList<string> ResidualOutputs => ["self_attn.o_proj", "mlp.down_proj"];

    /// <inheritdoc/>
    public override string Architecture(HeadKind head) => ClassPrefix + (head == HeadKind.Language ? "ForCausalLM" : "ForSequenceClassification");

    /// <inheritdoc/>
    public override int MaxPositions(ModelConfig config) => Settings(config).Rope.MaxPositions;

    /// <inheritdoc/>
    public override ModelConfig? Narrow(ModelConfig config, int divisor)
    {
        LlamaConfig wide = Settings(config);
        int width = wide.Width / divisor;
        int heads = NarrowHeads(width, wide.HeadWidth);
        return With(config, ("hidden_size", width), ("intermediate_size", Math.Max(1, wide.Hidden / divisor)), ("num_attention_heads", heads),
            ("num_key_value_heads", heads % wide.KvHeads == 0 ? wide.KvHeads : heads), ("head_dim", width / heads), ("vocab_size", 1),
            ("rope_scaling", null), ("rope_parameters", null));
    }

    /// <inheritdoc/>
    public override Backbone CreateBackbone(ModelConfig config, WeightScope root)
    {
        ArgumentNullException.ThrowIfNull(root);
        return new LlamaBackbone(Settings(config), root.At(BasePrefix));
    }

    /// <inheritdoc/>
    public override VocabularyHead CreateLanguageHead(ModelConfig config, WeightScope root, Backbone backbone)
    {
        ArgumentNullException.ThrowIfNull(root);
        LlamaConfig settings = Settings(config);
        return new CausalHead(root.At("lm_head"), backbone, settings.Tied, settings.Normal);
    }

    /// <inheritdoc/>
    public override ClassificationHead CreateClassificationHead(ModelConfig config, WeightScope root, Backbone backbone, int outputs)
    {
        ArgumentNullException.ThrowIfNull(root);
        return new LastTokenHead(root.At("score"), backbone, outputs, Settings(config).Normal);
    }

    /// <inheritdoc/>
    public override bool IsForeign(string name) =>
        base.IsForeign(name) || name is "lm_head.weight" or "score.weight" || name.EndsWith(".rotary_emb.inv_freq", StringComparison.Ordinal);

    /// <summary>What the names of the variant's classes begin with in the usual Python library.</summary>
    protected virtual string ClassPrefix => "Llama";

    /// <summary>The settings of this variant.</summary>
    protected virtual LlamaConfig Settings(ModelConfig config) => new(config);
}

/// <summary>Mistral: Llama with a sliding window in every layer.</summary>
/// <remarks>Jiang et al. 2023, <see href="https://arxiv.org/abs/2310.06825"/>, section 2.</remarks>
public sealed class MistralFamily : LlamaFamily
{
    /// <inheritdoc/>
    public override string ModelType => "mistral";

    /// <inheritdoc/>
    protected override string ClassPrefix => "Mistral";

    /// <inheritdoc/>
    protected override LlamaConfig Settings(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);

        // An absent key means the first Mistral's window; a null switches it off, as in all later ones.
        int window = config.Json.TryGetProperty("sliding_window", out _) ? config.GetInt("sliding_window", 0) : 4096;
        return new LlamaConfig(config) { Window = _ => window > 0 ? window : null };
    }
}
