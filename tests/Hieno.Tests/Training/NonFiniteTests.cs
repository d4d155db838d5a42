using Hieno.Data;
using Hieno.Formats;
using Hieno.Formats.Safetensors;
using Hieno.Models;
using Hieno.Optimizers;
using Hieno.Recipes;
using Hieno.Tensors;
using Hieno.Training;
using Hieno.Tuning;

namespace Hieno.Tests.Training;

/// <summary>A number that is no longer finite ends the run, is explained, and never reaches a saved model.</summary>
public sealed class NonFiniteTests
{
    [Theory]
    [InlineData(float.NaN, "transformer.h.0.mlp.c_fc.weight", false)]
    [InlineData(float.PositiveInfinity, "transformer.h.1.attn.c_proj.weight", false)]
    [InlineData(float.NaN, "transformer.h.0.ln_1.weight", true)] // frozen under LoRA
    public void A_damaged_weight_of_the_base_model_is_named(float value, string name, bool lora)
    {
        using TinyRun run = TinyRun.Language();
        SaveBase(run, name, value);
        Recipe recipe = run.Recipe(tuning: lora ? new LoRAOptions() : null) with { Start = Start.Pretrained };
        TrainingException error = Assert.Throws<TrainingException>(() => TinyRun.Train(recipe));
        Assert.Equal(ErrorCodes.TrainingDiverged, error.Code);
        Assert.Contains(name, error.Message, StringComparison.Ordinal);
        if (lora)
        {
            Assert.Contains("The batch held train.jsonl, line ", error.Message, StringComparison.Ordinal);
            AssertNoCheckpointIsDamaged(recipe);
        }
        else
        {
            Assert.False(Directory.Exists(recipe.Output)); // found before anything was written
        }
    }

    [Fact]
    public void A_weight_that_overflows_in_use_names_the_operation_and_the_rows()
    {
        using TinyRun run = TinyRun.Language();
        SaveBase(run, "transformer.h.0.attn.c_attn.weight", 3e38f);
        TrainingException error = Assert.Throws<TrainingException>(() => TinyRun.Train(run.Recipe() with { Start = Start.Pretrained }));
        Assert.StartsWith("step 1: the operation Linear gave a result that is not a finite number. The batch held train.jsonl, line ", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_huge_learning_rate_stops_the_run_before_a_bad_weight_is_saved(bool clipped)
    {
        using TinyRun run = TinyRun.Language();
        TrainingOptions training = TinyRun.Training(epochs: 100) with
        {
            LearningRate = 1e3,
            ClipNorm = clipped ? 1 : 0,
            Optimizer = new SgdOptions { Momentum = 0.9, WeightDecay = 10 },
            CheckpointEvery = 1,
            Dropout = 0,
        };
        Recipe recipe = run.Recipe(training: training);
        var events = new List<TrainingEvent>();
        TrainingException error = Assert.Throws<TrainingException>(() => FineTuner.Create(recipe).Run(events.Add));
        Assert.Equal(ErrorCodes.TrainingDiverged, error.Code);
        Assert.StartsWith("step ", error.Message, StringComparison.Ordinal);
        AssertNoCheckpointIsDamaged(recipe);

        RunFailed failed = Assert.IsType<RunFailed>(events[^1]);
        Assert.Equal(error.Message, failed.Error);
        Assert.Contains("\"event\":\"failed\"", File.ReadLines(Path.Combine(recipe.Output, RunFolder.EventsFileName)).Last(), StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(recipe.Output, RunFolder.FinalName)));
    }

    [Fact]
    public void An_evaluation_without_a_finite_loss_is_explained_like_a_step()
    {
        using TinyRun run = TinyRun.Classifier();
        TunedModel tuned = new Full().Apply(TextModel.Create(ModelConfig.Read(run.Base), HeadChoice.Classification(3), seed: 1), seed: 1);
        tuned.Trainable[^1].Value.Span[0] = float.NaN;
        var example = new Example { Ids = [2, 5, 3], Class = 0, Source = "validation.jsonl, line 4" };
        var found = new NonFinite(tuned, new Hieno.Objectives.Classification(new Hieno.Objectives.ClassificationOptions()), MatMulPrecision.Fp32);
        TrainingException? error = found.InEvaluation([new Batch([example])], step: 12);
        Assert.NotNull(error);
        Assert.Contains(tuned.Trainable[^1].Name, error.Message, StringComparison.Ordinal);
        Assert.Contains("validation.jsonl, line 4", error.Message, StringComparison.Ordinal);
    }

    private static void SaveBase(TinyRun run, string damaged, float value)
    {
        TextModel model = TextModel.Create(ModelConfig.Read(run.Base), HeadChoice.Language, seed: 3);
        model.Parameters().Single(parameter => parameter.Name == damaged).Value.Span.Slice(3, value > 1e38f && float.IsFinite(value) ? 13 : 1).Fill(value);
        WeightFiles.SaveModel(model, run.Base, companions: null);
    }

    private static void AssertNoCheckpointIsDamaged(Recipe recipe)
    {
        string[] saved = Directory.GetFiles(recipe.Output, "weights.safetensors", SearchOption.AllDirectories);
        Assert.NotEmpty(saved);
        foreach (string file in saved)
        {
            using var files = CheckpointFiles.Open(file);
            foreach (SafetensorsEntry entry in files.Entries.Values)
            {
                float[] values = System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(files.Bytes(entry)).ToArray();
                Assert.True(Array.TrueForAll(values, float.IsFinite), $"{file}: {entry.Name}");
            }
        }
    }
}
