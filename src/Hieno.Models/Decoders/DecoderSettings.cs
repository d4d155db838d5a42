using Hieno.Formats;
using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Models.Decoders;

/// <summary>
/// How a decoder is built: sizes, names and habits, which its family reads from <c>config.json</c>. Whatever is not stated is as in Llama: a norm
/// before attention and before the feed-forward layers, each of which is added to the residual stream.
/// </summary>
public sealed record DecoderSettings
{
    /// <summary>What the checkpoint calls the parts.</summary>
    public DecoderNames Names { get; init; } = new();

    /// <summary>Width of the residual stream.</summary>
    public required int Width { get; init; }

    /// <summary>Width of the token table; <see cref="Width"/> by default. Where it is another, layers without offset lead into the stream and out of it.</summary>
    public int? TokenWidth { get; init; }

    /// <summary>Number of blocks.</summary>
    public required int Layers { get; init; }

    /// <summary>Number of query heads.</summary>
    public required int Heads { get; init; }

    /// <summary>Number of key and value heads.</summary>
    public required int KvHeads { get; init; }

    /// <summary>Width of a head.</summary>
    public required int HeadWidth { get; init; }

    /// <summary>Width between the feed-forward layers.</summary>
    public required int Hidden { get; init; }

    /// <summary>Number of tokens it knows.</summary>
    public required int Vocabulary { get; init; }

    /// <summary>The longest row it can read, in tokens.</summary>
    public required int Positions { get; init; }

    /// <summary>Rows at the start of the table of positions that belong to no position. Default 0.</summary>
    public int PositionOffset { get; init; }

    /// <summary>Makes a norm of the residual stream.</summary>
    public required Func<WeightScope, Normalization> Norm { get; init; }

    /// <summary>Makes the norm of so many heads of queries or keys; null (default) for none.</summary>
    public Func<WeightScope, int, Normalization>? HeadNorm { get; init; }

    /// <summary>The function between the feed-forward layers.</summary>
    public required Activation Activation { get; init; }

    /// <summary>Makes the feed-forward part of block i; by default the one that <see cref="Names"/> describe.</summary>
    public Func<DecoderSettings, WeightScope, int, FeedForward>? FeedForward { get; init; }

    /// <summary>Factor of the loss that keeps experts equally loaded; 0 (default) for none.</summary>
    public float BalanceWeight { get; init; }

    /// <summary>True (default) where a token sees those before it; false where it sees the whole row, or the window to either side.</summary>
    public bool IsCausal { get; init; } = true;

    /// <summary>True where the first block has no norm before attention. Default false.</summary>
    public bool BeginsUnnormed { get; init; }

    /// <summary>True where attention and feed-forward layers read the same stream and are added to it together. Default false.</summary>
    public bool Parallel { get; init; }

    /// <summary>True where the norms are of the sums with the stream and not of what the parts read. Default false.</summary>
    public bool NormsSums { get; init; }

    /// <summary>True where the parts are added to what they read, behind the norm. Default false.</summary>
    public bool ResidualIsNormed { get; init; }

    /// <summary>True when the layers of queries, keys and values have offsets. Default false.</summary>
    public bool QueryKeyValueBias { get; init; }

    /// <summary>True when the output projection of attention has an offset. Default false.</summary>
    public bool OutputBias { get; init; }

    /// <summary>True when the feed-forward layers have offsets. Default false.</summary>
    public bool FeedForwardBias { get; init; }

    /// <summary>True when the projection onto the vocabulary has an offset. Default false.</summary>
    public bool HeadBias { get; init; }

    /// <summary>True where weights are stored as [in, out]. Default false.</summary>
    public bool Transposed { get; init; }

    /// <summary>How one layer for queries, keys and values holds them. Default: all queries first.</summary>
    public FusedLayout FusedLayout { get; init; }

    /// <summary>Numbers of queries, keys and values beyond ± this are cut off there. Default 0: no limit.</summary>
    public float QueryKeyValueLimit { get; init; }

    /// <summary>Factor of the scores of each block. Default: 1/√<see cref="HeadWidth"/>.</summary>
    public Func<int, float>? AttentionScale { get; init; }

    /// <summary>Limit of the scores; 0 (default) for none. See <see cref="AttentionOptions.SoftCap"/>.</summary>
    public float ScoreLimit { get; init; }

    /// <summary>By how much a score falls with each token between query and key, for each head; null (default) for not at all. See <see cref="AttentionOptions.Slopes"/>.</summary>
    public IReadOnlyList<float>? Slopes { get; init; }

    /// <summary>The rotary positions of block i; null for none. Default: none anywhere.</summary>
    public Func<int, RopeSettings?> Rope { get; init; } = _ => null;

    /// <summary>Which lanes are rotated together.</summary>
    public RopeLayout RopeLayout { get; init; }

    /// <summary>How many tokens back block i sees, itself included, or where it sees whole rows how many to either side; null means all. Default: no limit.</summary>
    public Func<int, int?> Window { get; init; } = _ => null;

    /// <summary>Factor of the token table's vectors. Default 1.</summary>
    public float TokenScale { get; init; } = 1f;

    /// <summary>Factor of all that the blocks read, virtual tokens included. Default 1.</summary>
    public float EmbeddingScale { get; init; } = 1f;

    /// <summary>Factor of what the parts add to the stream. Default 1.</summary>
    public float ResidualScale { get; init; } = 1f;

    /// <summary>Factor of the logits. Default 1.</summary>
    public float LogitScale { get; init; } = 1f;

    /// <summary>Limit c of the logits, which become c·tanh(logit / c); 0 (default) for none.</summary>
    public float LogitLimit { get; init; }

    /// <summary>Dropout of embeddings. Default 0.</summary>
    public float EmbeddingDropout { get; init; }

    /// <summary>Dropout of attention's probabilities. Default 0.</summary>
    public float AttentionDropout { get; init; }

    /// <summary>Dropout of what attention gives. Default 0.</summary>
    public float AttentionOutputDropout { get; init; }

    /// <summary>Dropout between the feed-forward layers. Default 0.</summary>
    public float InnerDropout { get; init; }

    /// <summary>Dropout of what the feed-forward layers give. Default 0.</summary>
    public float FeedForwardDropout { get; init; }

    /// <summary>True when the token table is also the projection onto the vocabulary.</summary>
    public required bool Tied { get; init; }

    /// <summary>First values of weights.</summary>
    public required Initializer Normal { get; init; }

    /// <summary>First values of the projections into the residual stream; as the others by default.</summary>
    public Initializer OutputNormal
    {
        get => _outputNormal ?? Normal;
        init => _outputNormal = value;
    }

    private readonly Initializer? _outputNormal;

    /// <summary>Reads the settings under the names that Llama and its kin give them.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="rope">Keys and defaults of the rotary positions; Llama's when null.</param>
    /// <param name="tied">What an absent <c>tie_word_embeddings</c> means.</param>
    /// <param name="headWidth">What an absent <c>head_dim</c> means; width / heads when null.</param>
    /// <param name="eps">Key and default of what is added under the root of a norm.</param>
    public static DecoderSettings OfLlamaKeys(
        ModelConfig config, RopeKeys? rope = null, bool tied = false, int? headWidth = null, (string Key, float Default)? eps = null)
    {
        ArgumentNullException.ThrowIfNull(config);
        (int width, int heads) = (config.GetInt("hidden_size"), Positive(config, "num_attention_heads"));
        (string epsKey, float epsDefault) = eps ?? ("rms_norm_eps", 1e-6f);
        float epsilon = config.GetFloat(epsKey, epsDefault);
        int head = config.GetInt("head_dim", headWidth ?? width / heads);
        bool attentionBias = config.GetBool("attention_bias", false);
        var turning = RopeSettings.Read(config, head, config.GetInt("max_position_embeddings", 2048), rope);
        return new DecoderSettings
        {
            Width = width,
            Layers = config.GetInt("num_hidden_layers"),
            Heads = heads,
            KvHeads = KeyHeads(config, "num_key_value_heads", heads),
            HeadWidth = head,
            Hidden = config.GetInt("intermediate_size"),
            Vocabulary = config.GetInt("vocab_size"),
            Positions = turning.MaxPositions,
            Norm = w => new RmsNorm(w, width, epsilon),
            Activation = config.GetActivation("hidden_act", "silu"),
            AttentionDropout = config.GetFloat("attention_dropout", 0f),
            Normal = Initializer.Normal(config.GetFloat("initializer_range", 0.02f)),
            QueryKeyValueBias = attentionBias,
            OutputBias = attentionBias,
            FeedForwardBias = config.GetBool("mlp_bias", false),
            Tied = config.GetBool("tie_word_embeddings", tied),
            Rope = _ => turning,
        };
    }

    /// <summary>The number of key heads under <paramref name="key"/>; as many as query heads where it is absent.</summary>
    /// <exception cref="CheckpointException">The query heads cannot share them evenly.</exception>
    public static int KeyHeads(ModelConfig config, string key, int heads)
    {
        ArgumentNullException.ThrowIfNull(config);
        int keyHeads = config.GetInt(key, heads);
        return keyHeads > 0 && heads % keyHeads == 0
            ? keyHeads
            : throw config.Error(key, $"is {keyHeads}, which {heads} query heads cannot share evenly", "Use the configuration that came with the weights");
    }

    /// <summary>A number of parts, at least 1; where the key is absent <paramref name="fallback"/>, if there is one.</summary>
    /// <exception cref="CheckpointException">It is 0 or less, or missing.</exception>
    public static int Positive(ModelConfig config, string key, int? fallback = null)
    {
        ArgumentNullException.ThrowIfNull(config);
        int value = fallback is { } absent ? config.GetInt(key, absent) : config.GetInt(key);
        return value > 0 ? value : throw config.Error(key, $"is {value}, expected a number above 0", "Use the configuration that came with the weights");
    }
}
