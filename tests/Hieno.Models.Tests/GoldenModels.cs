using Hieno.Parity;
using Hieno.Tests.Shared;

namespace Hieno.Models.Tests;

/// <summary>The models with reference values, by the names of their folders.</summary>
internal static class GoldenModels
{
    /// <summary>Models whose tokens see those before them.</summary>
    public static IReadOnlyList<string> Decoders { get; } =
    [
        "bloom", "cohere", "cohere2", "falcon", "gemma", "gemma2", "gemma3_text", "gpt2", "gpt2_seqcls", "gpt_neo", "gpt_neox", "gptj", "granite", "llama",
        "llama_rope_dynamic", "llama_rope_linear", "llama_rope_llama3", "llama_rope_yarn", "llama_rope_yarn_mscale", "llama_rope_yarn_opts", "llama_seqcls",
        "mistral", "mistral_head_dim", "mixtral", "olmo", "olmo2", "opt", "phi", "phi3", "phi3_longrope", "phi3_longrope_partial", "qwen2", "qwen2_moe", "qwen3",
        "qwen3_moe", "qwen3_moe_mixed", "qwen3_seqcls",
        "smollm3", "stablelm", "starcoder2",
    ];

    /// <summary>Models whose tokens see the whole row.</summary>
    public static IReadOnlyList<string> Encoders { get; } =
    [
        "albert", "bert", "bert_regression", "bert_seqcls", "deberta_v2", "distilbert_seqcls", "electra", "modernbert", "modernbert_seqcls", "mpnet", "roberta",
        "roberta_seqcls",
    ];

    /// <summary>Models of pictures.</summary>
    public static IReadOnlyList<string> Pictures { get; } = ["beit", "convnext", "deit", "dinov2", "mobilenet_v2", "resnet", "resnet_bottleneck", "swin", "vit"];

    /// <summary>All models of text.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Decoders, .. Encoders];

    /// <summary>The values of one; skips the test where they are absent.</summary>
    public static Fixture Read(string name) => Fixture.Read(SharedFolder.Require($"golden/{name}"));
}
