using System.Text.Json;
using System.Text.Json.Nodes;
using Hieno.Formats;
using Hieno.Tensors;

namespace Hieno.Models.Tests;

/// <summary>Models of a few thousand weights, one of each family.</summary>
internal static class TinyModels
{
    /// <summary>A configuration; <paramref name="change"/> edits it first.</summary>
    public static ModelConfig Config(string family, Action<JsonObject>? change = null)
    {
        JsonObject json = JsonNode.Parse(family switch
        {
            "gpt2" => """{ "model_type": "gpt2", "n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": 24, "vocab_size": 31 }""",
            "bert" => """{ "model_type": "bert", "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24, "max_position_embeddings": 24, "vocab_size": 31 }""",
            _ => $$"""
                { "model_type": "{{family}}", "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
                  "intermediate_size": 24, "max_position_embeddings": 24, "vocab_size": 31, "sliding_window": 3 }
                """,
        })!.AsObject();
        change?.Invoke(json);
        return ModelConfig.From(JsonDocument.Parse(json.ToJsonString()).RootElement, "tiny");
    }

    /// <summary>A model of a configuration in JSON, with large random weights; <paramref name="change"/> edits it first.</summary>
    public static TextModel CreateFrom(string config, Action<JsonObject>? change = null, HeadChoice? head = null, ulong seed = 1)
    {
        JsonObject json = JsonNode.Parse(config)!.AsObject();
        (json["initializer_range"], json["init_std"]) = (0.3, 0.3);
        change?.Invoke(json);
        return WithNoise(TextModel.Create(ModelConfig.From(JsonDocument.Parse(json.ToJsonString()).RootElement, "tiny"), head ?? HeadChoice.Language, seed), seed);
    }

    /// <summary>A model with large random weights, so that whatever is left out shows.</summary>
    public static TextModel Create(string family, HeadChoice? head = null, ulong seed = 1, Action<JsonObject>? change = null)
    {
        return WithNoise(TextModel.Create(Config(family, json => { json["initializer_range"] = 0.3; change?.Invoke(json); }), head ?? HeadChoice.Language, seed), seed);
    }

    private static TextModel WithNoise(TextModel model, ulong seed)
    {
        var rng = new Rng(seed, RngStream.Augmentation);
        ulong step = 0;
        foreach (Parameter parameter in model.Parameters().Where(p => p.Value.Shape.Rank == 1))
        {
            float[] noise = new float[parameter.Count];
            rng.FillNormal(noise, 0.5f, 0.3f, step++);
            parameter.Value.Backend.CopyFromHost(noise, parameter.Value);
        }

        return model;
    }

    /// <summary>Rows of the given lengths with arbitrary tokens.</summary>
    public static TokenBatch Batch(params int[] lengths) => new(Ids(lengths.Sum()), lengths);

    /// <summary>Arbitrary tokens below 31.</summary>
    public static int[] Ids(int count) => [.. Enumerable.Range(0, count).Select(i => ((i * 7) + (i * i)) % 31)];

    /// <summary>The logits of a batch, row by row.</summary>
    public static float[] Logits(TextModel model, TokenBatch batch)
    {
        using var tape = Tape.Begin(record: false);
        return model.Logits(batch).ToArray();
    }

    /// <summary>The gradient of every parameter for a sum of squared logits.</summary>
    public static Dictionary<string, float[]> Gradients(TextModel model, TokenBatch batch, DropoutSource? dropout = null)
    {
        foreach (Parameter parameter in model.Parameters())
        {
            parameter.Trainable = true;
            parameter.Value.ClearGrad();
        }

        using var tape = Tape.Begin(dropout: dropout);
        Tensor logits = model.Logits(batch);
        tape.Backward(Ops.Sum(Ops.Mul(logits, Ops.Scale(logits, 1f))));
        return model.Parameters().ToDictionary(p => p.Name, p => p.Value.Grad!.ToArray(), StringComparer.Ordinal);
    }
}
