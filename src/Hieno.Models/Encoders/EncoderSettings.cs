using Hieno.Formats;
using Hieno.Tensors;

namespace Hieno.Models.Encoders;

/// <summary>What a family's checkpoints call the parts of an encoder: below the body's prefix, and below a block. The defaults are BERT's.</summary>
public sealed record EncoderNames
{
    /// <summary>The token table.</summary>
    public string Tokens { get; init; } = "embeddings.word_embeddings";

    /// <summary>The table of positions; null where there is none.</summary>
    public string? Positions { get; init; } = "embeddings.position_embeddings";

    /// <summary>The table of token types; null where there is none.</summary>
    public string? Types { get; init; } = "embeddings.token_type_embeddings";

    /// <summary>The norm of the embeddings.</summary>
    public string EmbeddingNorm { get; init; } = "embeddings.LayerNorm";

    /// <summary>The layer from the embeddings to the blocks, where their widths differ.</summary>
    public string Projection { get; init; } = "embeddings_project";

    /// <summary>The blocks, each followed by its number.</summary>
    public string Blocks { get; init; } = "encoder.layer";

    /// <summary>Where attention lies.</summary>
    public string Attention { get; init; } = "attention.self";

    /// <summary>The layer of queries.</summary>
    public string Query { get; init; } = "attention.self.query";

    /// <summary>The layer of keys.</summary>
    public string Key { get; init; } = "attention.self.key";

    /// <summary>The layer of values.</summary>
    public string Value { get; init; } = "attention.self.value";

    /// <summary>The output projection of attention.</summary>
    public string Output { get; init; } = "attention.output.dense";

    /// <summary>The norm of attention's sum with what it read.</summary>
    public string AttentionNorm { get; init; } = "attention.output.LayerNorm";

    /// <summary>The first of the feed-forward layers.</summary>
    public string Up { get; init; } = "intermediate.dense";

    /// <summary>The second of them.</summary>
    public string Down { get; init; } = "output.dense";

    /// <summary>The norm of their sum with what they read.</summary>
    public string FeedForwardNorm { get; init; } = "output.LayerNorm";
}

/// <summary>How an encoder is built: sizes, names and habits, which its family reads from <c>config.json</c>. Whatever is not stated is as in BERT.</summary>
public sealed record EncoderSettings
{
    /// <summary>What the checkpoint calls the parts.</summary>
    public EncoderNames Names { get; init; } = new();

    /// <summary>Width of the blocks.</summary>
    public required int Width { get; init; }

    /// <summary>Width of the tables; <see cref="Width"/> by default.</summary>
    public int? TokenWidth { get; init; }

    /// <summary>Number of blocks.</summary>
    public required int Layers { get; init; }

    /// <summary>Blocks with weights of their own, of which each serves Layers / Groups in a row; <see cref="Layers"/> by default.</summary>
    public int? Groups { get; init; }

    /// <summary>Number of heads.</summary>
    public required int Heads { get; init; }

    /// <summary>Width between the feed-forward layers.</summary>
    public required int Hidden { get; init; }

    /// <summary>Number of tokens it knows.</summary>
    public required int Vocabulary { get; init; }

    /// <summary>The longest row it can read, in tokens.</summary>
    public required int Positions { get; init; }

    /// <summary>Rows at the start of the table of positions that belong to no position. Default 0.</summary>
    public int PositionOffset { get; init; }

    /// <summary>Number of token types.</summary>
    public int Types { get; init; }

    /// <summary>True when the layer from the embeddings to the blocks has an offset. Default true.</summary>
    public bool ProjectionBias { get; init; } = true;

    /// <summary>Makes what the scores of attention learn of distances; null (default) for nothing.</summary>
    public Func<EncoderSettings, WeightScope, DistanceBias>? Relative { get; init; }

    /// <summary>Factor of the scores. Default: 1/√(head width).</summary>
    public float? AttentionScale { get; init; }

    /// <summary>The function between the feed-forward layers.</summary>
    public required Activation Activation { get; init; }

    /// <summary>Added under the root of norms.</summary>
    public required float Eps { get; init; }

    /// <summary>Dropout of embeddings, and of what the parts of a block give.</summary>
    public required float HiddenDropout { get; init; }

    /// <summary>Dropout of what attention gives; <see cref="HiddenDropout"/> by default.</summary>
    public float? AttentionOutputDropout { get; init; }

    /// <summary>Dropout of attention's probabilities.</summary>
    public required float AttentionDropout { get; init; }

    /// <summary>True when the token table is also the projection onto the vocabulary.</summary>
    public required bool Tied { get; init; }

    /// <summary>First values of weights.</summary>
    public required Initializer Normal { get; init; }

    /// <summary>Width of a head.</summary>
    public int HeadWidth => Width / Heads;

    /// <summary>Reads the settings under the names that BERT and its kin give them.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="activation">What an absent <c>hidden_act</c> means.</param>
    /// <param name="eps">What an absent <c>layer_norm_eps</c> means.</param>
    /// <param name="types">What an absent <c>type_vocab_size</c> means.</param>
    /// <param name="dropout">What absent dropout means.</param>
    public static EncoderSettings OfBertKeys(ModelConfig config, string activation = "gelu", float eps = 1e-12f, int types = 2, float dropout = 0.1f)
    {
        ArgumentNullException.ThrowIfNull(config);
        (int width, int heads) = (config.GetInt("hidden_size"), HeadsOf(config, "num_attention_heads", config.GetInt("hidden_size")));
        return new EncoderSettings
        {
            Width = width,
            Layers = config.GetInt("num_hidden_layers"),
            Heads = heads,
            Hidden = config.GetInt("intermediate_size"),
            Vocabulary = config.GetInt("vocab_size"),
            Positions = config.GetInt("max_position_embeddings", 512),
            Types = config.GetInt("type_vocab_size", types),
            Activation = config.GetActivation("hidden_act", activation),
            Eps = config.GetFloat("layer_norm_eps", eps),
            HiddenDropout = config.GetFloat("hidden_dropout_prob", dropout),
            AttentionDropout = config.GetFloat("attention_probs_dropout_prob", dropout),
            Normal = Initializer.Normal(config.GetFloat("initializer_range", 0.02f)),
            Tied = config.GetBool("tie_word_embeddings", true),
        };
    }

    /// <summary>The number of heads under <paramref name="key"/>.</summary>
    /// <exception cref="CheckpointException">It does not divide the width.</exception>
    public static int HeadsOf(ModelConfig config, string key, int width)
    {
        ArgumentNullException.ThrowIfNull(config);
        int heads = config.GetInt(key);
        return heads > 0 && width % heads == 0
            ? heads
            : throw config.Error(key, $"is {heads}, which does not divide the width of {width}", "Use the configuration that came with the weights");
    }
}
