using Hieno.Formats;
using Hieno.Models.Heads;
using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Models.Bert;

/// <summary>The settings of a BERT model, under the names of its <c>config.json</c>.</summary>
public sealed record BertConfig
{
    /// <summary>Reads the settings.</summary>
    public BertConfig(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        Width = config.GetInt("hidden_size");
        Layers = config.GetInt("num_hidden_layers");
        Heads = config.GetInt("num_attention_heads");
        Hidden = config.GetInt("intermediate_size");
        Vocabulary = config.GetInt("vocab_size");
        Positions = config.GetInt("max_position_embeddings", 512);
        TokenTypes = config.GetInt("type_vocab_size", 2);
        Activation = Activations.Parse(config.GetString("hidden_act", "gelu")!);
        Eps = config.GetFloat("layer_norm_eps", 1e-12f);
        InitializerRange = config.GetFloat("initializer_range", 0.02f);
        HiddenDropout = config.GetFloat("hidden_dropout_prob", 0.1f);
        AttentionDropout = config.GetFloat("attention_probs_dropout_prob", 0.1f);
        ClassifierDropout = config.GetFloat("classifier_dropout", HiddenDropout);
        Tied = config.GetBool("tie_word_embeddings", true);
    }

    /// <summary><c>hidden_size</c>.</summary>
    public int Width { get; init; }

    /// <summary><c>num_hidden_layers</c>.</summary>
    public int Layers { get; init; }

    /// <summary><c>num_attention_heads</c>.</summary>
    public int Heads { get; init; }

    /// <summary><c>intermediate_size</c>.</summary>
    public int Hidden { get; init; }

    /// <summary><c>vocab_size</c>.</summary>
    public int Vocabulary { get; init; }

    /// <summary><c>max_position_embeddings</c>.</summary>
    public int Positions { get; init; }

    /// <summary><c>type_vocab_size</c>.</summary>
    public int TokenTypes { get; init; }

    /// <summary><c>hidden_act</c>.</summary>
    public Activation Activation { get; init; }

    /// <summary><c>layer_norm_eps</c>.</summary>
    public float Eps { get; init; }

    /// <summary><c>initializer_range</c>.</summary>
    public float InitializerRange { get; init; }

    /// <summary><c>hidden_dropout_prob</c>.</summary>
    public float HiddenDropout { get; init; }

    /// <summary><c>attention_probs_dropout_prob</c>.</summary>
    public float AttentionDropout { get; init; }

    /// <summary><c>classifier_dropout</c>; that of the hidden layers by default.</summary>
    public float ClassifierDropout { get; init; }

    /// <summary><c>tie_word_embeddings</c>.</summary>
    public bool Tied { get; init; }

    /// <summary>First values of weights: N(0, range²).</summary>
    public Initializer Normal => Initializer.Normal(InitializerRange);
}

/// <summary>BERT: every token sees the whole row; norms after each part.</summary>
/// <remarks>Devlin et al. 2018, <see href="https://arxiv.org/abs/1810.04805"/>, section 3.</remarks>
public sealed class BertBackbone : Backbone
{
    private readonly BertConfig _config;
    private readonly Embedding _tokens;
    private readonly Embedding _positions;
    private readonly Embedding _types;
    private readonly LayerNorm _norm;
    private readonly BertLayer[] _layers;

    /// <summary>Builds the body from the weights under <paramref name="w"/>, usually <c>bert</c>.</summary>
    public BertBackbone(BertConfig config, WeightScope w)
        : base(w.Path)
    {
        ArgumentNullException.ThrowIfNull(config);
        _config = config;
        WeightScope tables = w.At("embeddings").As(ParameterKind.Embedding);
        _tokens = Add(new Embedding(tables.At("word_embeddings"), config.Vocabulary, config.Width, config.Normal));
        _positions = Add(new Embedding(tables.At("position_embeddings"), config.Positions, config.Width, config.Normal));
        _types = Add(new Embedding(tables.At("token_type_embeddings"), config.TokenTypes, config.Width, config.Normal));
        _norm = Add(new LayerNorm(w.At("embeddings.LayerNorm"), config.Width, config.Eps));
        _layers = new BertLayer[config.Layers];
        for (int i = 0; i < _layers.Length; i++)
        {
            _layers[i] = Add(new BertLayer(config, w.At($"encoder.layer.{i}").AtDepth(i + 1), i));
        }
    }

    /// <inheritdoc/>
    public override int Width => _config.Width;

    /// <inheritdoc/>
    public override int VocabularySize => _config.Vocabulary;

    /// <inheritdoc/>
    public override int MaxPositions => _config.Positions;

    /// <inheritdoc/>
    public override IReadOnlyList<Module> Blocks => _layers;

    /// <inheritdoc/>
    public override bool IsCausal => false;

    /// <inheritdoc/>
    public override int KeyWidth => _config.Width;

    /// <inheritdoc/>
    public override Parameter TokenTable => _tokens.Table;

    /// <inheritdoc/>
    protected internal override Tensor Embed(TokenBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        int[] types = batch.TokenTypes ?? new int[batch.Ids.Length];
        Tensor words = WithPrompts(_tokens.Forward(batch.TextIds), batch);
        Tensor x = Ops.Add(Ops.Add(words, _types.Forward(types)), _positions.Forward(batch.Positions)); // [N, C]
        return Ops.Dropout(_norm.Forward(x), _config.HiddenDropout);
    }

    /// <inheritdoc/>
    protected override Tensor RunBlock(int index, Tensor x, TokenBatch batch, int[]? tokens) => _layers[index].Forward(x, batch, tokens);
}

/// <summary>One post-norm layer: x = Norm(x + Attention(x)); x = Norm(x + Mlp(x)).</summary>
public sealed class BertLayer : Module
{
    private readonly BertConfig _config;
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

    /// <summary>Builds the layer from the weights under <paramref name="w"/>, e.g. <c>bert.encoder.layer.7</c>.</summary>
    public BertLayer(BertConfig config, WeightScope w, int index)
        : base(w.Path)
    {
        ArgumentNullException.ThrowIfNull(config);
        _config = config;
        int width = config.Width;
        WeightScope attention = w.At("attention").As(ParameterKind.Attention);
        WeightScope mlp = w.As(ParameterKind.FeedForward);

        _query = Add(new Linear(attention.At("self.query"), width, width, config.Normal));
        _key = Add(new Linear(attention.At("self.key"), width, width, config.Normal));
        _value = Add(new Linear(attention.At("self.value"), width, width, config.Normal));
        _attentionOut = Add(new Linear(attention.At("output.dense"), width, width, config.Normal));
        _attentionNorm = Add(new LayerNorm(w.At("attention.output.LayerNorm"), width, config.Eps));
        _afterAttention = Add(new BlockSite(w, BlockPlace.Attention, width, _attentionNorm.Forward));
        _up = Add(new Linear(mlp.At("intermediate.dense"), width, config.Hidden, config.Normal));
        _down = Add(new Linear(mlp.At("output.dense"), config.Hidden, width, config.Normal));
        _mlpNorm = Add(new LayerNorm(w.At("output.LayerNorm"), width, config.Eps));
        _afterMlp = Add(new BlockSite(w, BlockPlace.FeedForward, width, _mlpNorm.Forward));
        _output = Add(new BlockSite(w, BlockPlace.Output, width));

        var options = new AttentionOptions(config.Heads)
        {
            Scale = 1f / MathF.Sqrt(width / config.Heads),
            DropoutRate = config.AttentionDropout,
        };
        _attend = Add(new AttentionSite(attention.At("self"), index, width, options, x => (_key.Forward(x), _value.Forward(x))));
    }

    /// <summary>Runs the layer.</summary>
    /// <param name="x">[N, C].</param>
    /// <param name="batch">The rows.</param>
    /// <param name="tokens">The tokens whose vectors are wanted; null (default) for all.</param>
    public Tensor Forward(Tensor x, TokenBatch batch, int[]? tokens = null)
    {
        ArgumentNullException.ThrowIfNull(batch);
        (Tensor all, AttentionSpans spans) = (x, batch.BidirectionalSpans());
        if (tokens is not null)
        {
            (x, spans) = (Ops.Rows(x, tokens), spans.Of(tokens));
        }

        Tensor attended = _attend.Run(batch, _query.Forward(x), _key.Forward(all), _value.Forward(all), spans);
        Tensor change = Ops.Dropout(_attentionOut.Forward(attended), _config.HiddenDropout);
        Tensor middle = _attentionNorm.Forward(Ops.Add(x, _afterAttention.Apply(change, x, x, batch)));

        Tensor hidden = Ops.Activate(_up.Forward(middle), _config.Activation); // [N, H]
        change = Ops.Dropout(_down.Forward(hidden), _config.HiddenDropout);
        Tensor y = _mlpNorm.Forward(Ops.Add(middle, _afterMlp.Apply(change, middle, middle, batch)));
        return _output.Apply(y, x, x, batch);
    }
}

/// <summary>The masked-language-model head: a small transform, then the tied token table with an offset of its own.</summary>
public sealed class BertMaskedHead : VocabularyHead
{
    private readonly Linear _transform;
    private readonly LayerNorm _norm;
    private readonly Activation _activation;

    /// <summary>Builds the head from the weights under <paramref name="w"/>, usually <c>cls.predictions</c>.</summary>
    public BertMaskedHead(BertConfig config, WeightScope w, Backbone backbone)
        : base(w.Path)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(backbone);
        _activation = config.Activation;
        WeightScope head = w.As(ParameterKind.Head).AtDepth(config.Layers + 1);
        _transform = Add(new Linear(head.At("transform.dense"), config.Width, config.Width, config.Normal));
        _norm = Add(new LayerNorm(head.At("transform.LayerNorm"), config.Width, config.Eps));
        Projection = config.Tied ? backbone.TokenTable : Add(head.Weight("decoder.weight", [config.Vocabulary, config.Width], config.Normal));
        Offset = Add(head.Weight("bias", [config.Vocabulary], Initializer.Zeros));
    }

    /// <inheritdoc/>
    public override Parameter Projection { get; }

    /// <inheritdoc/>
    public override Parameter Offset { get; }

    /// <inheritdoc/>
    public override Tensor Prepare(Tensor hidden) => _norm.Forward(Ops.Activate(_transform.Forward(hidden), _activation));
}

/// <summary>The classifier: the first token through the pooler (a tanh layer), then a linear layer.</summary>
public sealed class BertClassificationHead : ClassificationHead
{
    private readonly Linear _pooler;
    private readonly Linear _classifier;
    private readonly float _dropout;

    /// <summary>Builds the head from <c>bert.pooler.dense</c> and <c>classifier</c> under <paramref name="root"/>.</summary>
    public BertClassificationHead(BertConfig config, WeightScope root, string basePrefix, int outputs)
        : base(root.Path)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(root);
        _dropout = config.ClassifierDropout;
        WeightScope head = root.As(ParameterKind.Head).AtDepth(config.Layers + 1);
        _pooler = Add(new Linear(head.At($"{basePrefix}.pooler.dense"), config.Width, config.Width, config.Normal));
        _classifier = Add(new Linear(head.At("classifier"), config.Width, outputs, config.Normal));
    }

    /// <inheritdoc/>
    public override int Outputs => _classifier.Out;

    /// <inheritdoc/>
    public override int[] TokensRead(TokenBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        return batch.FirstTokens(); // [CLS]
    }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor hidden, TokenBatch batch)
    {
        Tensor pooled = Ops.Activate(_pooler.Forward(hidden), Activation.Tanh);            // [rows, C]
        return _classifier.Forward(Ops.Dropout(pooled, _dropout));                         // [rows, outputs]
    }
}

/// <summary>How BERT checkpoints are read.</summary>
public sealed class BertFamily : ModelFamily
{
    /// <inheritdoc/>
    public override string ModelType => "bert";

    /// <inheritdoc/>
    public override string BasePrefix => "bert";

    /// <inheritdoc/>
    public override IReadOnlyList<string> DefaultTargets => ["query", "value"];

    /// <inheritdoc/>
    public override string Architecture(HeadKind head) => head == HeadKind.Language ? "BertForMaskedLM" : "BertForSequenceClassification";

    /// <inheritdoc/>
    public override ModelConfig? Narrow(ModelConfig config, int divisor)
    {
        var wide = new BertConfig(config);
        int width = wide.Width / divisor;
        return With(config, ("hidden_size", width), ("intermediate_size", Math.Max(1, wide.Hidden / divisor)), ("num_attention_heads", NarrowHeads(width, wide.Width / wide.Heads)),
            ("vocab_size", 1), ("max_position_embeddings", 1), ("type_vocab_size", 1));
    }

    /// <inheritdoc/>
    public override Backbone CreateBackbone(ModelConfig config, WeightScope root)
    {
        ArgumentNullException.ThrowIfNull(root);
        return new BertBackbone(new BertConfig(config), root.At(BasePrefix));
    }

    /// <inheritdoc/>
    public override VocabularyHead CreateLanguageHead(ModelConfig config, WeightScope root, Backbone backbone)
    {
        ArgumentNullException.ThrowIfNull(root);
        return new BertMaskedHead(new BertConfig(config), root.At("cls.predictions"), backbone);
    }

    /// <inheritdoc/>
    public override ClassificationHead CreateClassificationHead(ModelConfig config, WeightScope root, Backbone backbone, int outputs) =>
        new BertClassificationHead(new BertConfig(config), root, BasePrefix, outputs);

    /// <inheritdoc/>
    public override bool IsForeign(string name) =>
        base.IsForeign(name) || name.EndsWith("position_ids", StringComparison.Ordinal) || name.Contains("pooler.dense.", StringComparison.Ordinal)
        || name.StartsWith("cls.", StringComparison.Ordinal) || name.StartsWith("classifier.", StringComparison.Ordinal) || name.StartsWith("qa_outputs.", StringComparison.Ordinal);
}
