using Hieno.Formats;
using Hieno.Models.Decoders;
using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Models.GptJ;

/// <summary>GPT-J: attention and feed-forward layers side by side behind one layer norm, neighbouring lanes of a part of each head rotated.</summary>
/// <remarks>Wang and Komatsuzaki 2021, "GPT-J-6B: a 6 billion parameter autoregressive language model".</remarks>
public sealed class GptJFamily : DecoderFamily
{
    /// <inheritdoc/>
    public override string ModelType => "gptj";

    /// <inheritdoc/>
    public override string BasePrefix => "transformer";

    /// <inheritdoc/>
    public override string BlockCountKey => "n_layer";

    /// <inheritdoc/>
    public override IReadOnlyList<string> ResidualOutputs => ["attn.out_proj", "mlp.fc_out"];

    /// <inheritdoc/>
    protected override string ClassPrefix => "GPTJ";

    /// <inheritdoc/>
    protected override DecoderSettings Settings(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        (int width, int heads) = (config.GetInt("n_embd"), DecoderSettings.Positive(config, "n_head"));
        (int headWidth, int positions) = (width / heads, config.GetInt("n_positions", 2048));
        float eps = config.GetFloat("layer_norm_epsilon", 1e-5f);
        float dropout = config.GetFloat("resid_pdrop", 0f);
        var rope = RopeSettings.Plain(10_000, Rotated(config, headWidth), positions);
        return new DecoderSettings
        {
            Names = new DecoderNames
            {
                Tokens = "wte",
                Blocks = "h",
                FinalNorm = "ln_f",
                AttentionNorm = "ln_1",
                FeedForwardNorm = null,
                Attention = "attn",
                Query = "attn.q_proj",
                Key = "attn.k_proj",
                Value = "attn.v_proj",
                Output = "attn.out_proj",
                Gate = null,
                Up = "mlp.fc_in",
                Down = "mlp.fc_out",
            },
            Width = width,
            Layers = config.GetInt("n_layer"),
            Heads = heads,
            KvHeads = heads,
            HeadWidth = headWidth,
            Hidden = config.GetInt("n_inner", 4 * width),
            Vocabulary = config.GetInt("vocab_size"),
            Positions = positions,
            Rope = _ => rope,
            RopeLayout = RopeLayout.Interleaved,
            Parallel = true,
            Norm = w => new LayerNorm(w, width, eps),
            Activation = config.GetActivation("activation_function", "gelu_new"),
            FeedForwardBias = true,
            HeadBias = true,
            EmbeddingDropout = config.GetFloat("embd_pdrop", 0f),
            AttentionDropout = config.GetFloat("attn_pdrop", 0f),
            AttentionOutputDropout = dropout,
            FeedForwardDropout = dropout,
            Normal = Initializer.Normal(config.GetFloat("initializer_range", 0.02f)),
            Tied = config.GetBool("tie_word_embeddings", false),
        };
    }

    // A null means the whole head; an absent key means the first model's.
    private static int Rotated(ModelConfig config, int headWidth)
    {
        const string Key = "rotary_dim";
        int rotated = config.Json.TryGetProperty(Key, out _) ? config.GetInt(Key, headWidth) : 64;
        return rotated >= 2 && rotated % 2 == 0 && rotated <= headWidth
            ? rotated
            : throw config.Error(Key, $"is {rotated}, expected an even number up to the {headWidth} lanes of a head", "Use the configuration that came with the weights");
    }
}
