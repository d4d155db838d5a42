using Hieno.Formats;
using Hieno.Models.Decoders;
using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Models.Opt;

/// <summary>OPT: GPT-2's shape with ReLU, layers of their own for queries, keys and values, and positions that begin at row 2 of their table.</summary>
/// <remarks>Zhang et al. 2022, <see href="https://arxiv.org/abs/2205.01068"/>, section 2.1. The model of 350 million weights normalises sums, and has narrower tables.</remarks>
public sealed class OptFamily : DecoderFamily
{
    /// <inheritdoc/>
    public override string ModelType => "opt";

    /// <inheritdoc/>
    protected override string ClassPrefix => "OPT";

    /// <inheritdoc/>
    protected override string BodyPath => "model.decoder";

    /// <inheritdoc/>
    protected override DecoderSettings Settings(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        (int width, int heads) = (config.GetInt("hidden_size"), DecoderSettings.Positive(config, "num_attention_heads"));
        bool normsParts = config.GetBool("do_layer_norm_before", true);
        bool bias = config.GetBool("enable_bias", true);
        bool affine = config.GetBool("layer_norm_elementwise_affine", true);
        float dropout = config.GetFloat("dropout", 0.1f);
        return new DecoderSettings
        {
            Names = new DecoderNames
            {
                Positions = "embed_positions",
                FinalNorm = normsParts && !config.GetBool("_remove_final_layer_norm", false) ? "final_layer_norm" : null,
                AttentionNorm = "self_attn_layer_norm",
                FeedForwardNorm = "final_layer_norm",
                Output = "self_attn.out_proj",
                Gate = null,
                Up = "fc1",
                Down = "fc2",
            },
            Width = width,
            TokenWidth = config.GetInt("word_embed_proj_dim", width),
            Layers = config.GetInt("num_hidden_layers"),
            Heads = heads,
            KvHeads = heads,
            HeadWidth = width / heads,
            Hidden = config.GetInt("ffn_dim"),
            Vocabulary = config.GetInt("vocab_size"),
            Positions = config.GetInt("max_position_embeddings", 2048),
            PositionOffset = 2,
            NormsSums = !normsParts,
            Norm = w => new LayerNorm(w, width, 1e-5f, affine, affine),
            Activation = config.GetActivation("activation_function", "relu"),
            QueryKeyValueBias = bias,
            OutputBias = bias,
            FeedForwardBias = bias,
            AttentionDropout = config.GetFloat("attention_dropout", 0f),
            AttentionOutputDropout = dropout,
            FeedForwardDropout = dropout,
            Normal = Initializer.Normal(config.GetFloat("init_std", 0.02f)),
            Tied = config.GetBool("tie_word_embeddings", true),
        };
    }
}
