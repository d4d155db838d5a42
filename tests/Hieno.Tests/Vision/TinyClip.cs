using System.Text.Json;
using Hieno.Formats;
using Hieno.Models.Vision.Clip;
using Hieno.Tuning;

namespace Hieno.Tests.Vision;

/// <summary>A CLIP model of a few hundred weights for pictures of 8 × 8 pixels, with a tokenizer of a few words.</summary>
internal static class TinyClip
{
    /// <summary>Words after the tokens that begin and end a text.</summary>
    public static readonly string[] Words = ["a", "photo", "of", "cat", "dog", "bird", "drawing", "the", "blue", "green", "red"];

    private const string ConfigText =
        """
        { "model_type": "clip", "architectures": ["CLIPModel"], "projection_dim": 6, "logit_scale_init_value": 1.5,
          "text_config": { "hidden_size": 8, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "max_position_embeddings": 8, "vocab_size": 13, "eos_token_id": 1, "bos_token_id": 0 },
          "vision_config": { "hidden_size": 8, "intermediate_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 8, "patch_size": 4 } }
        """;

    public static ModelConfig Config() => ModelConfig.From(JsonDocument.Parse(ConfigText).RootElement.Clone(), "config.json");

    public static ClipModel Model(ulong seed = 1) => ClipModel.Create(Config(), seed);

    /// <summary>Writes the model with its tokenizer.</summary>
    public static string Save(string folder, ulong seed = 1)
    {
        Directory.CreateDirectory(folder);
        WeightFiles.SaveModel(Model(seed), folder, companions: null);
        File.WriteAllText(Path.Combine(folder, "tokenizer.json"), Tokenizer());
        return folder;
    }

    private static string Tokenizer()
    {
        string[] tokens = ["<start>", "<end>", .. Words];
        string vocabulary = string.Join(", ", tokens.Select((token, id) => $"\"{token}\": {id}"));
        return $$"""
            { "version": "1.0", "added_tokens": [
                { "id": 0, "content": "<start>", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true },
                { "id": 1, "content": "<end>", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true } ],
              "normalizer": { "type": "Lowercase" }, "pre_tokenizer": { "type": "Whitespace" },
              "post_processor": { "type": "TemplateProcessing",
                "single": [ { "SpecialToken": { "id": "<start>", "type_id": 0 } }, { "Sequence": { "id": "A", "type_id": 0 } }, { "SpecialToken": { "id": "<end>", "type_id": 0 } } ],
                "pair": [ { "Sequence": { "id": "A", "type_id": 0 } }, { "Sequence": { "id": "B", "type_id": 1 } } ],
                "special_tokens": { "<start>": { "id": "<start>", "ids": [0], "tokens": ["<start>"] }, "<end>": { "id": "<end>", "ids": [1], "tokens": ["<end>"] } } },
              "decoder": null,
              "model": { "type": "WordLevel", "unk_token": "a", "vocab": { {{vocabulary}} } } }
            """;
    }
}
