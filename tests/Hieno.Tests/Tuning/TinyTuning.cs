using System.Text.Json;
using Hieno.Formats;
using Hieno.Models;
using Hieno.Models.Heads;
using Hieno.Optimizers;
using Hieno.Tensors;
using Hieno.Tuning;

namespace Hieno.Tests.Tuning;

/// <summary>Models of a few thousand weights, a batch for them, and the steps that tests of all methods share.</summary>
internal static class TinyTuning
{
    public const int Width = 16;
    public const int Vocabulary = 40;
    public const int Classes = 3;

    // 24 inner units, two blocks, two heads; without dropout, so that passes can be compared.
    private const string Bert = """
        { "model_type": "bert", "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24, "vocab_size": 40,
          "max_position_embeddings": 12, "type_vocab_size": 2, "initializer_range": 0.2, "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0 }
        """;

    private const string Gpt2 = """
        { "model_type": "gpt2", "n_embd": 16, "n_layer": 2, "n_head": 2, "n_inner": 24, "n_positions": 12, "vocab_size": 40,
          "initializer_range": 0.2, "embd_pdrop": 0.0, "attn_pdrop": 0.0, "resid_pdrop": 0.0 }
        """;

    // Two query heads share a key head of width 8; the output layer has weights of its own.
    private const string Llama = """
        { "model_type": "llama", "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1, "intermediate_size": 24,
          "vocab_size": 40, "max_position_embeddings": 12, "initializer_range": 0.2, "tie_word_embeddings": false }
        """;

    public static TheoryData<string> Families => ["bert", "gpt2", "llama"];

    public static ModelConfig Config(string family) => ModelConfig.From(
        JsonDocument.Parse(family switch { "bert" => Bert, "gpt2" => Gpt2, _ => Llama }).RootElement.Clone(), "config.json");

    public static TextModel Language(string family) => Stirred(TextModel.Create(Config(family), HeadChoice.Language, seed: 1));

    public static TextModel Classifier(string family) => Stirred(TextModel.Create(Config(family), HeadChoice.Classification(Classes), seed: 1));

    /// <summary>The model as one that reads text.</summary>
    public static TextModel Text(this TunedModel tuned) => (TextModel)tuned.Model;

    /// <summary>Three rows of 4, 7 and 2 tokens.</summary>
    public static TokenBatch Batch() => new([3, 17, 9, 22, 5, 5, 31, 2, 39, 0, 14, 8, 27], [4, 7, 2]);

    public static float[] Output(TextModel model)
    {
        using var tape = Tape.Begin(record: false);
        return (model.LanguageHead is null ? model.Classify(Batch()) : model.Logits(Batch())).ToArray();
    }

    /// <summary>The mean loss of the batch: the next token for language models, classes 0, 1, 2 for classifiers.</summary>
    public static Tensor Loss(TextModel model)
    {
        if (model.LanguageHead is not { } head)
        {
            return Ops.CrossEntropy(model.Classify(Batch()), [0, 1, 2], scale: 1f / 3);
        }

        int[] labels = [17, 9, 22, -100, 5, 31, 2, 39, 0, 14, -100, 27, -100];
        return head.Loss(model.Backbone.Forward(Batch()), labels, scale: 0.1f);
    }

    /// <summary>Leaves a gradient on all that is trained.</summary>
    /// <returns>The loss.</returns>
    public static float Differentiate(TunedModel tuned, DropoutSource? dropout = null)
    {
        foreach (Parameter parameter in tuned.Trainable)
        {
            parameter.Value.ClearGrad();
        }

        using var tape = Tape.Begin(record: true, dropout);
        Tensor loss = Loss(tuned.Text());
        tape.Backward(loss);
        return loss.Item();
    }

    /// <summary>Steps of AdamW with weight decay.</summary>
    /// <returns>The losses before each step.</returns>
    public static float[] Train(TunedModel tuned, int steps = 5, double rate = 0.02)
    {
        IOptimizer optimizer = new AdamWOptions().Create(OptimizedParameter.Create(tuned.Trainable, tuned.Text().Backbone.Blocks.Count, weightDecay: 0.1));
        float[] losses = new float[steps];
        for (int step = 0; step < steps; step++)
        {
            losses[step] = Differentiate(tuned);
            optimizer.Step(rate, gradientScale: 1);
        }

        return losses;
    }

    /// <summary>Each base weight of a model by name.</summary>
    public static Dictionary<string, float[]> Weights(TextModel model) =>
        model.Parameters().ToDictionary(parameter => parameter.Name, parameter => parameter.Base.ToArray(), StringComparer.Ordinal);

    /// <summary>The names of the weights that learn.</summary>
    public static string[] Names(TunedModel tuned) => [.. tuned.Trainable.Select(parameter => parameter.Name)];

    // A new model's offsets are 0 and its gains 1, so that a forgotten one would not show.
    private static TextModel Stirred(TextModel model)
    {
        foreach (Parameter parameter in model.Parameters().Where(parameter => parameter.Base.Shape.Rank == 1))
        {
            float[] values = parameter.Base.ToArray();
            new Rng(7, RngStream.Initialization).FillNormal(values, values[0], 0.1f, (ulong)parameter.Name.Length);
            parameter.Base.Backend.CopyFromHost(values, parameter.Base);
        }

        return model;
    }
}
