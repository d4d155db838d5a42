using Hieno.Formats;
using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Models.Vision.Clip;

/// <summary>The settings of CLIP's text tower, under the names of the section <c>text_config</c>.</summary>
public sealed record ClipTextConfig
{
    private const int LegacyEnd = 2;

    /// <summary>Reads the settings.</summary>
    public ClipTextConfig(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        Width = config.GetInt("hidden_size", 512);
        Layers = config.GetInt("num_hidden_layers", 12);
        Heads = config.GetInt("num_attention_heads", 8);
        Hidden = config.GetInt("intermediate_size", 2048);
        Vocabulary = config.GetInt("vocab_size", 49408);
        Positions = config.GetInt("max_position_embeddings", 77);
        Activation = Activations.Parse(config.GetString("hidden_act", "quick_gelu")!);
        Eps = config.GetFloat("layer_norm_eps", 1e-5f);
        AttentionDropout = config.GetFloat("attention_dropout", 0f);
        int end = config.GetInt("eos_token_id", LegacyEnd);
        EndToken = end == LegacyEnd ? null : end;
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

    /// <summary><c>hidden_act</c>.</summary>
    public Activation Activation { get; init; }

    /// <summary><c>layer_norm_eps</c>.</summary>
    public float Eps { get; init; }

    /// <summary><c>attention_dropout</c>.</summary>
    public float AttentionDropout { get; init; }

    /// <summary>
    /// <c>eos_token_id</c>, the token whose vector stands for the text. Null where it says 2, as the first published models wrongly do: then it is the
    /// token of the largest id, which in their vocabulary is the last.
    /// </summary>
    public int? EndToken { get; init; }
}

/// <summary>The settings of a CLIP model, under the names of its <c>config.json</c>.</summary>
public sealed record ClipConfig
{
    /// <summary>Reads the settings of a whole model, or of its vision tower alone.</summary>
    /// <exception cref="CheckpointException">A whole model lacks the section of a tower.</exception>
    public ClipConfig(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        ModelConfig vision = config.GetSection("vision_config") ?? config;
        Vision = SizeOf(vision);
        ProjectionWidth = config.GetInt("projection_dim", vision.GetInt("projection_dim", 512));
        LogitScale = config.GetFloat("logit_scale_init_value", 2.6592f);
        Text = config.GetSection("text_config") is { } text ? new ClipTextConfig(text) : null;
    }

    /// <summary>The section <c>vision_config</c>.</summary>
    public TransformerSize Vision { get; init; }

    /// <summary>The section <c>text_config</c>; null for a vision tower alone.</summary>
    public ClipTextConfig? Text { get; init; }

    /// <summary><c>projection_dim</c>: width of the vectors in which pictures and texts meet.</summary>
    public int ProjectionWidth { get; init; }

    /// <summary><c>logit_scale_init_value</c>: where the logarithm of the factor of cosines starts.</summary>
    public float LogitScale { get; init; }

    /// <summary>How pictures are made ready: the size of the vision tower, and the means and deviations of CLIP's own pictures.</summary>
    public ImageInput Input => Vision.Input([0.48145466f, 0.4578275f, 0.40821073f], [0.26862954f, 0.26130258f, 0.27577711f]);

    /// <summary>First values of tables.</summary>
    public static Initializer TableStart => Initializer.Normal(0.02f);

    // The tower's own defaults, which are not those of other vision transformers.
    private static TransformerSize SizeOf(ModelConfig config)
    {
        var size = new TransformerSize(config, eps: 1e-5f);
        return size with
        {
            Patch = config.Has("patch_size") ? size.Patch : (32, 32),
            Hidden = config.GetInt("intermediate_size", 3072),
            Activation = Activations.Parse(config.GetString("hidden_act", "quick_gelu")!),
            AttentionDropout = config.GetFloat("attention_dropout", 0f),
        };
    }
}

/// <summary>The block of both towers.</summary>
internal static class ClipBlock
{
    /// <summary>Builds a block from the weights under <paramref name="w"/>, e.g. <c>text_model.encoder.layers.7</c>.</summary>
    /// <param name="w">The block's place in the checkpoint.</param>
    /// <param name="index">Its number.</param>
    /// <param name="layers">Blocks of the tower: first values of weights depend on it.</param>
    /// <param name="width">C.</param>
    /// <param name="hidden">Width of the feed-forward layers.</param>
    /// <param name="options">Heads and dropout of attention.</param>
    /// <param name="activation">The activation of the feed-forward layers.</param>
    /// <param name="eps">That of the norms.</param>
    public static PreNormBlock Create(WeightScope w, int index, int layers, int width, int hidden, AttentionOptions options, Activation activation, float eps)
    {
        WeightScope attention = w.At("self_attn").As(ParameterKind.Attention);
        WeightScope mlp = w.At("mlp").As(ParameterKind.FeedForward);
        float narrow = MathF.Pow(width, -0.5f);
        float shrink = MathF.Pow(2f * layers, -0.5f); // so that the residual stream's size does not grow with depth
        Initializer projection = Initializer.Normal(narrow * shrink);
        return new PreNormBlock(
            w,
            width,
            new LayerNorm(w.At("layer_norm1"), width, eps),
            new SelfAttention(
                attention,
                index,
                options,
                new Linear(attention.At("q_proj"), width, width, projection),
                new Linear(attention.At("k_proj"), width, width, projection),
                new Linear(attention.At("v_proj"), width, width, projection),
                new Linear(attention.At("out_proj"), width, width, Initializer.Normal(narrow))),
            new LayerNorm(w.At("layer_norm2"), width, eps),
            new Mlp(
                mlp.Path,
                new Linear(mlp.At("fc1"), width, hidden, Initializer.Normal(MathF.Pow(2f * width, -0.5f))),
                new Linear(mlp.At("fc2"), hidden, width, projection),
                activation));
    }
}
