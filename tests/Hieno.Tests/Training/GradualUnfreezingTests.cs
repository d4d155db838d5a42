using Hieno.Models;
using Hieno.Optimizers;
using Hieno.Recipes;
using Hieno.Tests.Tuning;
using Hieno.Training;
using Hieno.Tuning;

namespace Hieno.Tests.Training;

public sealed class GradualUnfreezingTests
{
    // BERT of two blocks: tables at depth 0, blocks at 1 and 2, pooler and classifier at 3.
    [Theory]
    [InlineData(1, new[] { 3, 3, 2, 2, 1, 1, 0, 0, 0 })]
    [InlineData(2, new[] { 3, 3, 1, 1, 0, 0, 0, 0, 0 })]
    public void Layers_join_in_from_the_top(int layers, int[] lowest)
    {
        TunedModel tuned = new FullOptions().Create().Apply(TinyTuning.Classifier("bert"), seed: 0);
        var unfreezing = new GradualUnfreezing(new UnfreezeOptions { EverySteps = 2, Layers = layers }, tuned.Trainable, stepsPerEpoch: 50);
        for (int step = 0; step < lowest.Length; step++)
        {
            unfreezing.Turn(step);
            Assert.All(tuned.Trainable, parameter => Assert.Equal(parameter.Depth >= lowest[step], parameter.Trainable));
        }
    }

    [Fact]
    public void Weights_that_do_not_learn_yet_are_bit_identical_and_the_state_of_the_others_goes_on()
    {
        TextModel model = TinyTuning.Classifier("gpt2");
        TunedModel tuned = new FullOptions().Create().Apply(model, seed: 0);
        var unfreezing = new GradualUnfreezing(new UnfreezeOptions { EverySteps = 2 }, tuned.Trainable, stepsPerEpoch: 50);
        IOptimizer optimizer = new AdamWOptions().Create(OptimizedParameter.Create(tuned.Trainable, 2, weightDecay: 0.1));
        Dictionary<string, float[]> before = TinyTuning.Weights(model);
        for (int step = 0; step < 3; step++)
        {
            unfreezing.Turn(step);
            TinyTuning.Differentiate(tuned);
            optimizer.Step(0.01, gradientScale: 1);
        }

        Assert.All(tuned.Trainable, parameter => Assert.Equal(parameter.Depth < 2, before[parameter.Name].SequenceEqual(parameter.Value.ToArray())));
        var steps = optimizer.State.Where(item => item.Name.EndsWith(".step", StringComparison.Ordinal)).ToDictionary(item => item.Name, item => item.Value.Item());
        Assert.Equal(3, steps["score.weight.step"]);
        Assert.Equal(1, steps["transformer.h.1.mlp.c_fc.weight.step"]);
        Assert.DoesNotContain("transformer.h.0.mlp.c_fc.weight.step", steps.Keys);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_run_resumed_in_any_stage_gives_the_bytes_of_the_run_that_was_never_interrupted(bool lora)
    {
        using TinyRun run = TinyRun.Classifier();
        TrainingOptions training = TinyRun.Training() with { Unfreeze = new UnfreezeOptions { EverySteps = 3 }, LayerDecay = 0.8 };
        TuningOptions method = lora ? new LoRAOptions { Rank = 2 } : new FullOptions();
        Recipe whole = run.Recipe("whole", training, method);
        var (_, events) = TinyRun.Train(whole);
        // LoRA trains the two blocks alone: no weight of a random start counts as new.
        Assert.Equal(lora ? 2 : 4, events.OfType<LogMessage>().Count(message => message.Text.Contains("layers learn", StringComparison.Ordinal)));
        foreach (int step in (int[])[2, 3, 5, 8])
        {
            Recipe stopped = run.Recipe($"stopped{step}", training, method);
            TinyRun.TrainUntil(stopped, step);
            TinyRun.Train(stopped, new FineTunerOptions { Resume = true });
            Assert.Equal(TinyRun.FinalHash(whole), TinyRun.FinalHash(stopped));
        }
    }
}
