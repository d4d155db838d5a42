using System.Text.Json;
using Hieno.Data;
using Hieno.Models;
using Hieno.Objectives;
using Hieno.Optimizers;
using Hieno.Schedules;
using Hieno.Tensors;
using Hieno.Tests.Shared;
using Hieno.Tests.Training;
using Hieno.Training;
using Hieno.Tuning;

namespace Hieno.Tests.Tuning;

/// <summary>Methods that choose which weights learn, against values of plain PyTorch.</summary>
[Trait("tier", "golden")]
public sealed class GoldenSelectionTests
{
    [SkippableFact]
    public void The_Fisher_information_of_the_norms_is_the_reference_s()
    {
        GoldenFile expected = GoldenFile.Require("golden/align/fisher_layernorm_bert_seqcls.safetensors");
        var golden = GoldenModel.Require("bert_seqcls");
        TextModel model = golden.Load();
        TunedModel tuned = new NormsOptions().Create().Apply(model, seed: 0);
        Parameter[] norms = [.. tuned.Trainable.Where(parameter => parameter.Kind == ParameterKind.Norm)];
        long[] labels = IntegerFile.Require("golden/bert_seqcls/inputs.safetensors")["labels"];
        int[] starts = [.. golden.Batch.Lengths.Select((_, row) => golden.Batch.Lengths.Take(row).Sum())];

        float[][] information = FisherInformation.Compute(norms, labels.Length, row =>
        {
            Range range = starts[row]..(starts[row] + golden.Batch.Lengths[row]);
            var batch = new TokenBatch(golden.Batch.Ids[range], [golden.Batch.Lengths[row]]) { TokenTypes = golden.Batch.TokenTypes?[range] };
            return Ops.CrossEntropy(model.Classify(batch), [(int)labels[row]]);
        });

        Assert.Equal(expected.Names.Order(StringComparer.Ordinal), norms.Select(parameter => parameter.Name).Order(StringComparer.Ordinal));
        foreach ((Parameter parameter, float[] ours) in norms.Zip(information))
        {
            float largest = expected[parameter.Name].Max();
            Assert.All(expected[parameter.Name].Zip(ours), pair => Assert.Equal(pair.First, pair.Second, 1e-5f * largest));
        }
    }

    [SkippableFact]
    public void Three_steps_with_layer_wise_rates_and_a_frozen_table_give_the_reference_s_losses_and_weights()
    {
        GoldenFile expected = GoldenFile.Require("golden/align/llrd_gpt2.safetensors");
        JsonElement meta = JsonDocument.Parse(File.ReadAllText(SharedFolder.Require("golden/align/meta.json"))).RootElement.GetProperty("llrd_gpt2");
        using var folder = new TemporaryFolder();
        TunedModel tuned = new PartialOptions { Freeze = ["transformer.wpe.weight"] }.Create().Apply(GoldenModel.Require("gpt2").Load(), seed: 0);
        Example[] rows = Rows();
        var events = new List<TrainingEvent>();
        var trainer = new Trainer(
            new TrainerInput
            {
                Tuned = tuned,
                Objective = new CausalLanguageModeling(),
                Train = rows,
                Validation = [],
                Options = new TrainingOptions { Epochs = 3, BatchSize = rows.Length, ClipNorm = 0, LayerDecay = 0.8, Schedule = new ConstantScheduleOptions(), Optimizer = new AdamWOptions { WeightDecay = 0 } },
                LearningRate = 1e-3,
                Metrics = [],
                Watched = null,
                Plan = new BatchPlan(rows, rows.Length, packLength: null, seed: 0, shuffle: false),
                Seed = 0,
                RunFolder = folder.Path,
                Clock = TimeProvider.System,
                Events = new RunEvents(TimeProvider.System, events.Add),
            },
            "golden");
        trainer.Run(CancellationToken.None);

        double[] losses = [.. events.OfType<StepCompleted>().Select(step => step.Loss)];
        Assert.All(meta.GetProperty("losses").EnumerateArray().Zip(losses), pair => Assert.Equal(pair.First.GetDouble(), pair.Second, 5e-6));
        foreach (string name in expected.Names.Where(name => name.StartsWith("llrd.", StringComparison.Ordinal)))
        {
            float[] ours = tuned.Model.Parameters().Single(parameter => "llrd." + parameter.Name == name).Value.ToArray();
            double worst = expected[name].Zip(ours, (a, b) => Math.Abs((double)a - b)).Where((_, i) => !IsKeyOffset(name, i, ours.Length)).Max();
            Assert.True(worst <= 2e-5, $"{name} is off by {worst:E2}");
        }
    }

    // An offset of the keys has no gradient but rounding, which Adam blows up to whole steps.
    private static bool IsKeyOffset(string name, int index, int count) =>
        name.EndsWith("c_attn.bias", StringComparison.Ordinal) && index >= count / 3 && index < 2 * count / 3;

    private static Example[] Rows()
    {
        IntegerFile inputs = IntegerFile.Require("golden/gpt2/inputs.safetensors");
        (int count, int width) = (inputs.ShapeOf("input_ids")[0], inputs.ShapeOf("input_ids")[1]);
        return [.. Enumerable.Range(0, count).Select(row =>
        {
            int length = (int)inputs["attention_mask"].Skip(row * width).Take(width).Sum();
            int[] Part(string name) => [.. inputs[name].Skip(row * width).Take(length).Select(value => (int)value)];
            return new Example { Ids = Part("input_ids"), TokenLabels = Part("labels"), Source = $"row {row}" };
        })];
    }
}
