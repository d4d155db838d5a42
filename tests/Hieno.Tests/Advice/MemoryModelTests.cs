using System.Text.Json;
using Hieno.Advice;
using Hieno.Data;
using Hieno.Formats;
using Hieno.Models;
using Hieno.Objectives;
using Hieno.Optimizers;
using Hieno.Tensors;
using Hieno.Tensors.Cpu;
using Hieno.Tuning;

namespace Hieno.Tests.Advice;

public sealed class MemoryModelTests
{
    private const double Tolerance = 0.15;

    private const string Bert = """
        { "model_type": "bert", "hidden_size": 128, "num_hidden_layers": 5, "num_attention_heads": 4, "intermediate_size": 512, "vocab_size": 3000,
          "max_position_embeddings": 128, "type_vocab_size": 2, "hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1 }
        """;

    private const string Gpt2 = """
        { "model_type": "gpt2", "n_embd": 160, "n_layer": 4, "n_head": 4, "n_positions": 128, "vocab_size": 2000, "embd_pdrop": 0.0, "attn_pdrop": 0.0, "resid_pdrop": 0.0 }
        """;

    private const string Llama = """
        { "model_type": "llama", "hidden_size": 128, "num_hidden_layers": 4, "num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": 384,
          "vocab_size": 5000, "max_position_embeddings": 128, "tie_word_embeddings": true }
        """;

    public static TheoryData<string, bool, string, int, int, int> Cases => new()
    {
        { Bert, false, "full", 16, 100, 0 }, { Bert, false, "head", 16, 100, 0 }, { Bert, false, "partial", 16, 100, 0 }, { Bert, false, "lora", 16, 100, 0 },
        { Bert, false, "full", 16, 100, 1 }, { Bert, false, "full", 4, 30, 0 },
        { Gpt2, true, "full", 8, 128, 0 }, { Gpt2, true, "partial", 8, 128, 0 }, { Gpt2, true, "lora", 8, 128, 0 }, { Gpt2, true, "full", 8, 128, 1 }, { Gpt2, false, "full", 8, 128, 0 },
        { Llama, true, "full", 8, 128, 0 }, { Llama, true, "partial", 8, 128, 0 }, { Llama, true, "lora", 8, 128, 0 }, { Llama, true, "full", 16, 64, 0 }, { Llama, false, "head", 8, 128, 0 },
        { Bert, false, "full", 16, 100, 3 }, { Gpt2, true, "lora", 8, 128, 2 },
        { Llama, true, "norms", 8, 128, 0 },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void The_predicted_memory_of_a_step_is_near_the_measured_peak(string config, bool isLanguage, string method, int rows, int length, int span)
    {
        using var backend = new CpuBackend(1);
        HeadChoice head = isLanguage ? HeadChoice.Language : HeadChoice.Classification(2);
        TextModel model = TextModel.Create(ModelConfig.From(JsonDocument.Parse(config).RootElement.Clone(), "config.json"), head, seed: 1, backend: backend);
        TunedModel tuned = Options(method).Create().Apply(model, seed: 1);
        (model.Backbone.GradientCheckpointing, model.Backbone.CheckpointSpan) = (span > 0, Math.Max(1, span));
        long measured = MeasuredPeak(tuned, isLanguage, rows, length, backend);
        var batch = new StepBatch((long)rows * length, isLanguage ? (long)rows * (length - 1) : rows, span > 0, Math.Max(1, span));
        MemoryForecast forecast = new MemoryModel(model, new AdamWOptions()).Predict(Learning.Of(method, tuned), batch)!;
        Assert.True(
            forecast.StepBytes >= (1 - Tolerance) * measured && forecast.StepBytes <= (1 + Tolerance) * measured,
            $"{forecast.StepBytes >> 10} KiB were predicted, {measured >> 10} KiB measured: {(double)forecast.StepBytes / measured:0.00}");
        Assert.Equal(tuned.TrainableCount, forecast.Trainable);
    }

    [Theory]
    [InlineData(Bert, false, 2, 16)]
    [InlineData(Gpt2, true, 1, 32)]
    [InlineData(Llama, true, 8, 128)]
    public void It_is_also_where_weights_are_stepped_in_the_backward_pass(string config, bool isLanguage, int rows, int length)
    {
        using var backend = new CpuBackend(1);
        HeadChoice head = isLanguage ? HeadChoice.Language : HeadChoice.Classification(2);
        TextModel model = TextModel.Create(ModelConfig.From(JsonDocument.Parse(config).RootElement.Clone(), "config.json"), head, seed: 1, backend: backend);
        TunedModel tuned = new FullOptions().Create().Apply(model, seed: 1);
        long measured = MeasuredPeak(tuned, isLanguage, rows, length, backend, inBackward: true);
        var batch = new StepBatch((long)rows * length, isLanguage ? (long)rows * (length - 1) : rows, Checkpointing: false);
        long Predicted(bool inBackward) => new MemoryModel(model, new AdamWOptions()).Predict(Learning.Of("full", tuned), batch with { StepsInBackward = inBackward })!.StepBytes;
        Assert.InRange((double)Predicted(inBackward: true) / measured, 1 - Tolerance, 1 + Tolerance);
        Assert.True(Predicted(inBackward: true) <= Predicted(inBackward: false));
    }

    [Fact]
    public void An_optimizer_is_known_by_what_it_remembers_of_a_weight()
    {
        TextModel model = TextModel.Create(ModelConfig.From(JsonDocument.Parse(Bert).RootElement.Clone(), "config.json"), HeadChoice.Classification(2), seed: 1);
        var learning = new Learning("full", [.. model.Parameters()]);
        long Remembered(OptimizerOptions options) => new MemoryModel(model, options).Predict(learning, new StepBatch(100, 2, false))!.OptimizerBytes;
        Assert.InRange(Remembered(new AdamWOptions()), 8 * learning.Count, (long)(8.01 * learning.Count)); // and a count of steps
        Assert.InRange(Remembered(new SgdOptions { Momentum = 0.9 }), 4 * learning.Count, (long)(4.01 * learning.Count));
        Assert.InRange(Remembered(new SgdOptions()), 0, learning.Count / 100);
    }

    private static TuningOptions Options(string method) => method switch
    {
        "full" => new FullOptions(),
        "head" => new HeadOptions(),
        "partial" => new PartialOptions { LastBlocks = 2 },
        "norms" => new NormsOptions(),
        _ => new LoRAOptions { Targets = [LayerTargets.AllLinear] },
    };

    private static long MeasuredPeak(TunedModel tuned, bool isLanguage, int rows, int length, CpuBackend backend, bool inBackward = false)
    {
        Example[] examples = [.. Enumerable.Range(0, rows).Select(row =>
        {
            int[] ids = [.. Enumerable.Range(0, length).Select(i => ((31 * row) + (7 * i)) % 1000)];
            return new Example { Ids = ids, TokenLabels = isLanguage ? ids : null, Class = row % 2, Source = "row" };
        })];
        IObjective objective = isLanguage ? new CausalLanguageModeling() : new Classification(new ClassificationOptions());
        Batch batch = objective.Collate(examples, new Rng(1, RngStream.Augmentation), 0);
        using Tape tape = Tape.Begin(record: true, new DropoutSource(new Rng(1, RngStream.Dropout), 0), backend);
        tape.Backward(objective.Loss(tuned.Model, batch, 1f / rows), onComplete: inBackward ? weight => weight.ClearGrad() : null);
        return backend.Pool.PeakBytes;
    }
}
