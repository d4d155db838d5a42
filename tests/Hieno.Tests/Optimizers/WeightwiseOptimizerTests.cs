using Hieno.Models;
using Hieno.Optimizers;
using Hieno.Recipes;
using Hieno.Tensors.Cpu;
using Hieno.Tests.Training;
using Hieno.Training;

namespace Hieno.Tests.Optimizers;

public sealed class WeightwiseOptimizerTests
{
    public static TheoryData<string> Kinds => [.. BuiltIns.Kinds().KindsOf(typeof(OptimizerOptions)).Select(kind => kind.Key)];

    // A whole run, saved after step 4 and gone on from there, and on one, two and three threads: every optimizer there is.
    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_run_gives_the_same_bytes_after_a_resume_and_on_any_number_of_threads(string kind)
    {
        using TinyRun run = TinyRun.Language();
        TrainingOptions training = TinyRun.Training() with { Optimizer = OptionsOf(kind) };
        Recipe whole = run.Recipe("whole", training);
        TinyRun.Train(whole);
        string expected = TinyRun.FinalHash(whole);
        foreach (int threads in (int[])[1, 3])
        {
            using var backend = new CpuBackend(threads);
            Recipe other = run.Recipe($"threads{threads}", training);
            TinyRun.Train(other, new FineTunerOptions { Backend = backend });
            Assert.Equal(expected, TinyRun.FinalHash(other));
        }

        Recipe stopped = run.Recipe("stopped", training);
        TinyRun.TrainUntil(stopped, 4);
        TinyRun.Train(stopped, new FineTunerOptions { Resume = true });
        Assert.Equal(expected, TinyRun.FinalHash(stopped));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_weight_that_is_forgotten_begins_anew_and_the_others_go_on(string kind)
    {
        Parameter[] weights = [Weights.Create("a", [8, 8], new float[64]), Weights.Create("b", [8, 8], new float[64])];
        IOptimizer optimizer = OptionsOf(kind).Create([.. weights.Select(weight => new OptimizedParameter(weight, 1, 0))]);
        float[] gradient = [.. Enumerable.Range(0, 64).Select(i => MathF.Sin(i) + 0.1f)];
        for (int step = 0; step < 3; step++)
        {
            Weights.SetGradients((weights[0], gradient), (weights[1], gradient));
            optimizer.Step(0.01, 1);
        }

        optimizer.Forget(weights[0]);
        Assert.DoesNotContain(optimizer.State, item => item.Name.StartsWith("a.", StringComparison.Ordinal));
        Weights.SetGradients((weights[0], gradient), (weights[1], gradient));
        optimizer.Step(0.01, 1);
        Assert.Equal(1, Weights.StateOf(optimizer)["a.step"].Item());
        Assert.Equal(4, Weights.StateOf(optimizer)["b.step"].Item());
    }

    private static OptimizerOptions OptionsOf(string kind)
    {
        Type type = BuiltIns.Kinds().KindsOf(typeof(OptimizerOptions)).Single(item => item.Key == kind).Value;
        return kind == "adamw-8bit" ? new AdamW8BitOptions { Smallest = 0 } : (OptimizerOptions)Activator.CreateInstance(type)!;
    }
}
