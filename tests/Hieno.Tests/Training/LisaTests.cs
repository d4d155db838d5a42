using Hieno.Formats;
using Hieno.Models;
using Hieno.Optimizers;
using Hieno.Recipes;
using Hieno.Tests.Tuning;
using Hieno.Training;
using Hieno.Tuning;

namespace Hieno.Tests.Training;

public sealed class LisaTests
{
    // BERT of two blocks: tables at depth 0, blocks at 1 and 2, pooler and classifier at 3.
    [Fact]
    public void Tables_and_head_learn_always_and_one_block_at_a_time_each_in_its_turn()
    {
        TunedModel tuned = new FullOptions().Create().Apply(TinyTuning.Classifier("bert"), seed: 0);
        Lisa lisa = Create(new LisaOptions { Layers = 1, EverySteps = 2 }, tuned);
        var drawn = new List<int>();
        for (int step = 0; step < 40; step++)
        {
            Assert.Equal(step == 0, lisa.Turn(step) is not null);
            int[] learning = [.. tuned.Trainable.Where(parameter => parameter.Trainable).Select(parameter => parameter.Depth).Distinct().Order()];
            Assert.Equal(3, learning.Length);
            Assert.Equal((0, 3), (learning[0], learning[2]));
            Assert.All(tuned.Trainable, parameter => Assert.Equal(learning.Contains(parameter.Depth), parameter.Trainable));
            drawn.Add(learning[1]);
        }

        Assert.All(Enumerable.Range(0, 20), period => Assert.Equal(drawn[2 * period], drawn[(2 * period) + 1]));
        Assert.InRange(drawn.Count(depth => depth == 1), 10, 30); // each about half of the time
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_resting_block_keeps_every_bit_and_its_state_only_if_asked_for(bool keepState)
    {
        TextModel model = TinyTuning.Classifier("gpt2");
        TunedModel tuned = new FullOptions().Create().Apply(model, seed: 0);
        IOptimizer optimizer = new AdamWOptions().Create(OptimizedParameter.Create(tuned.Trainable, 2, weightDecay: 0.1));
        var lisa = new Lisa(new LisaOptions { Layers = 1, EverySteps = 1, KeepState = keepState }, tuned.Trainable, 2, optimizer, seed: 3);
        int switches = 0;
        int last = 0;
        for (int step = 0; step < 12; step++)
        {
            lisa.Turn(step);
            int learning = tuned.Trainable.First(parameter => parameter.Trainable && parameter.Depth is 1 or 2).Depth;
            Dictionary<string, float[]> before = TinyTuning.Weights(model);
            TinyTuning.Differentiate(tuned);
            optimizer.Step(0.01, gradientScale: 1);
            Assert.All(tuned.Trainable, parameter => Assert.Equal(parameter.Depth is 1 or 2 && parameter.Depth != learning, before[parameter.Name].SequenceEqual(parameter.Value.ToArray())));
            bool restingHasState = optimizer.State.Any(item => item.Name.StartsWith($"transformer.h.{2 - learning}.", StringComparison.Ordinal));
            switches += last != 0 && last != learning ? 1 : 0;
            Assert.Equal(keepState && switches > 0, restingHasState);
            last = learning;
        }

        Assert.True(switches > 2);
    }

    [Fact]
    public void A_run_resumed_in_any_period_gives_the_bytes_of_the_run_that_was_never_interrupted()
    {
        using TinyRun run = TinyRun.Classifier();
        TrainingOptions training = TinyRun.Training() with { Lisa = new LisaOptions { Layers = 1, EverySteps = 2 } };
        Recipe whole = run.Recipe("whole", training);
        var (_, events) = TinyRun.Train(whole);
        Assert.Single(events.OfType<LogMessage>(), message => message.Text.StartsWith("1 of 2 blocks learn at a time, drawn anew every 2 steps; now", StringComparison.Ordinal));
        foreach (int step in (int[])[1, 2, 3, 4, 7])
        {
            Recipe stopped = run.Recipe($"stopped{step}", training);
            TinyRun.TrainUntil(stopped, step);
            TinyRun.Train(stopped, new FineTunerOptions { Resume = true });
            Assert.Equal(TinyRun.FinalHash(whole), TinyRun.FinalHash(stopped));
        }
    }

    [Fact]
    public void As_many_blocks_as_there_are_and_two_answers_to_one_question_are_refused()
    {
        TunedModel tuned = new FullOptions().Create().Apply(TinyTuning.Classifier("bert"), seed: 0);
        var error = Assert.Throws<TrainingException>(() => Create(new LisaOptions(), tuned));
        Assert.Equal(ErrorCodes.RecipeValueOutOfRange, error.Code);
        Assert.Contains("2 blocks are to learn at a time, but the method trains only 2", error.Message, StringComparison.Ordinal);
        Assert.Single(new TrainingOptions { Lisa = new LisaOptions(), Unfreeze = new UnfreezeOptions() }.Validate());
    }

    private static Lisa Create(LisaOptions options, TunedModel tuned) => new(options, tuned.Trainable, 2, new AdamWOptions().Create([]), seed: 3);
}
