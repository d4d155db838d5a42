namespace Hieno.Models.Decoders;

/// <summary>What a family's checkpoints call the parts of a decoder: below the body's prefix, and below a block. The defaults are Llama's.</summary>
public sealed record DecoderNames
{
    /// <summary>The token table.</summary>
    public string Tokens { get; init; } = "embed_tokens";

    /// <summary>The table of learned positions; null (default) where there is none.</summary>
    public string? Positions { get; init; }

    /// <summary>The norm of the embeddings; null (default) where there is none.</summary>
    public string? EmbeddingNorm { get; init; }

    /// <summary>The blocks, each followed by its number.</summary>
    public string Blocks { get; init; } = "layers";

    /// <summary>The norm behind the last block; null where there is none.</summary>
    public string? FinalNorm { get; init; } = "norm";

    /// <summary>The norm before attention; null where there is none. In blocks that normalise sums, the norm of the sum.</summary>
    public string? AttentionNorm { get; init; } = "input_layernorm";

    /// <summary>The norm of what attention gives, before it is added; null (default) where there is none.</summary>
    public string? AfterAttentionNorm { get; init; }

    /// <summary>The norm before the feed-forward layers; null where there is none, or where they read what attention reads.</summary>
    public string? FeedForwardNorm { get; init; } = "post_attention_layernorm";

    /// <summary>The norm of what the feed-forward layers give, before it is added; null (default) where there is none.</summary>
    public string? AfterFeedForwardNorm { get; init; }

    /// <summary>Where attention lies.</summary>
    public string Attention { get; init; } = "self_attn";

    /// <summary>The layer of queries.</summary>
    public string Query { get; init; } = "self_attn.q_proj";

    /// <summary>The layer of keys.</summary>
    public string Key { get; init; } = "self_attn.k_proj";

    /// <summary>The layer of values.</summary>
    public string Value { get; init; } = "self_attn.v_proj";

    /// <summary>One layer for all three; null (default) where they are apart.</summary>
    public string? Fused { get; init; }

    /// <summary>The norm of queries, where <see cref="DecoderSettings.HeadNorm"/> asks for one.</summary>
    public string QueryNorm { get; init; } = "self_attn.q_norm";

    /// <summary>The norm of keys, where <see cref="DecoderSettings.HeadNorm"/> asks for one.</summary>
    public string KeyNorm { get; init; } = "self_attn.k_norm";

    /// <summary>The output projection of attention.</summary>
    public string Output { get; init; } = "self_attn.o_proj";

    /// <summary>The gate of the feed-forward layers; null where they have none, or where <see cref="Up"/> holds it.</summary>
    public string? Gate { get; init; } = "mlp.gate_proj";

    /// <summary>The first of the feed-forward layers.</summary>
    public string Up { get; init; } = "mlp.up_proj";

    /// <summary>The last of the feed-forward layers.</summary>
    public string Down { get; init; } = "mlp.down_proj";

    /// <summary>The projection onto the vocabulary, below the root.</summary>
    public string Head { get; init; } = "lm_head";
}
