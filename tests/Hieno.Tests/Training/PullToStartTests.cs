using Hieno.Formats;
using Hieno.Models;
using Hieno.Recipes;
using Hieno.Tests.Tuning;
using Hieno.Training;
using Hieno.Tuning;

namespace Hieno.Tests.Training;

public sealed class PullToStartTests
{
    [Fact]
    public void The_gradient_is_that_of_the_penalty()
    {
        TunedModel tuned = new FullOptions().Create().Apply(TinyTuning.Classifier("gpt2"), seed: 0);
        Parameter weight = tuned.Trainable.First(parameter => parameter.Kind == ParameterKind.Attention);
        var pull = new PullToStart(new PullToStartOptions { Penalty = 0.5 }, tuned, tuned.Trainable.ToDictionary(parameter => parameter, _ => 1.0));
        weight.Value.Span[0] += 2;
        TinyTuning.Differentiate(tuned);
        float[] before = weight.Value.Grad!.ToArray();
        Assert.Equal(0.5 / 2 * 4, pull.AddGradient(), 1e-5);
        float[] after = weight.Value.Grad!.ToArray();
        Assert.Equal(0.5 * 2, after[0] - before[0], 1e-5);
        Assert.Equal(before[1..], after[1..]);
    }

    [Fact]
    public void The_distance_from_the_start_falls_with_the_strength_of_the_penalty()
    {
        double[] distances = [.. new[] { 0.0, 0.1, 10.0 }.Select(penalty => Distance(new PullToStartOptions { Penalty = penalty }))];
        Assert.True(distances[0] > distances[1] && distances[1] > distances[2] && distances[2] > 0, string.Join(", ", distances));
    }

    [Fact]
    public void The_distance_falls_with_the_decay_and_an_unbounded_one_keeps_the_start_bit_for_bit()
    {
        double[] distances = [.. new[] { 0.0, 30.0, 200.0, 1e9 }.Select(decay => Distance(new PullToStartOptions { Decay = decay }))];
        Assert.True(distances[0] > distances[1] && distances[1] > distances[2] && distances[2] > 0, string.Join(", ", distances));
        Assert.Equal(0, distances[3]);
    }

    [Fact]
    public void A_resumed_run_is_drawn_to_the_first_weights_not_to_those_of_the_checkpoint()
    {
        using TinyRun run = TinyRun.Classifier();
        TrainingOptions training = TinyRun.Training() with { PullToStart = new PullToStartOptions { Penalty = 1, Decay = 20 } };
        Recipe whole = run.Recipe("whole", training);
        TinyRun.Train(whole);
        Recipe stopped = run.Recipe("stopped", training);
        TinyRun.TrainUntil(stopped, 6);
        TinyRun.Train(stopped, new FineTunerOptions { Resume = true });
        Assert.Equal(TinyRun.FinalHash(whole), TinyRun.FinalHash(stopped));
    }

    // ‖w − w₀‖ of the whole body after ten steps from random weights.
    private static double Distance(PullToStartOptions options)
    {
        using TinyRun run = TinyRun.Classifier();
        Recipe recipe = run.Recipe(training: TinyRun.Training() with { PullToStart = options });
        TextModel first = TextModel.Create(ModelConfig.Read(recipe.Base), HeadChoice.Classification(3), recipe.Seed);
        RunCompleted result = TinyRun.Train(recipe).Result;
        TextModel last = TextModel.Load(result.Folder, HeadChoice.Classification(3));
        Dictionary<string, float[]> start = TinyTuning.Weights(first);
        return Math.Sqrt(TinyTuning.Weights(last).Sum(item => item.Value.Zip(start[item.Key], (a, b) => ((double)a - b) * ((double)a - b)).Sum()));
    }
}
