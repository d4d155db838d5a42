using Hieno.Formats;
using Hieno.Models;
using Hieno.Optimizers;
using Hieno.Tensors;

namespace Hieno.Tests.Optimizers;

public sealed class SavedStateTests
{
    public static TheoryData<OptimizerOptions> Kinds =>
    [
        new AdamWOptions(), new SgdOptions(), new SgdOptions { Momentum = 0.9 }, new SgdOptions { Momentum = 0.9, Nesterov = true },
        new SgdOptions { Momentum = 0.9, Dampening = 0.5 }, new AdamWOptions { AmsGrad = true }, new AdamOptions(), new AdamaxOptions(), new NAdamOptions(),
        new RAdamOptions(), new AdadeltaOptions(), new AdagradOptions { InitialSum = 0.1 }, new RmsPropOptions(), new RmsPropOptions { Centered = true, Momentum = 0.5 },
        new RpropOptions(), new AsgdOptions(), new LionOptions(), new AdafactorOptions(), new AdafactorOptions { Beta1 = 0.9, RelativeStep = true },
        new AdamMiniOptions(), new AdamW8BitOptions { Smallest = 0 },
    ];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Stopping_and_resuming_between_any_two_steps_changes_no_bit(OptimizerOptions options)
    {
        Parameter[] whole = Pair();
        Parameter[] broken = Pair();
        IOptimizer uninterrupted = Over(options, whole);
        Dictionary<string, Tensor> saved = [];
        for (int step = 0; step < 6; step++)
        {
            IOptimizer resumed = Over(options, broken);
            Assert.Empty(Weights.Restore(resumed, saved));

            // The second weight gets its first gradient in step 3 only.
            foreach (Parameter[] pair in (Parameter[][])[whole, broken])
            {
                Weights.SetGradients((pair[0], [0.1f * step, -1, 3]));
                if (step >= 3)
                {
                    Weights.SetGradients((pair[1], [1, step, -0.5f, 0.1f * step]));
                }
            }

            uninterrupted.Step(0.01, 0.7f);
            resumed.Step(0.01, 0.7f);
            saved = Weights.StateOf(resumed);
            Assert.Equal(whole[0].Value.ToArray(), broken[0].Value.ToArray());
            Assert.Equal(whole[1].Value.ToArray(), broken[1].Value.ToArray());
        }

        var expected = Weights.StateOf(uninterrupted);
        Assert.Equal(expected.Keys, saved.Keys);
        Assert.All(saved, entry => Assert.Equal(expected[entry.Key].ToArray(), entry.Value.ToArray()));
    }

    [Theory]
    [InlineData("a.exp_avg")]
    [InlineData("a.exp_avg_sq")]
    [InlineData("a.step")]
    public void A_missing_part_is_refused_by_name(string missing)
    {
        IOptimizer optimizer = Stepped(Pair());
        var state = Weights.StateOf(optimizer);
        Assert.True(state.Remove(missing));
        Assert.Equal(missing, Assert.Throws<CheckpointException>(() => Weights.Restore(optimizer, state)).Tensor);
    }

    [Theory]
    [InlineData(0f)]
    [InlineData(-1f)]
    [InlineData(1.5f)]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void A_number_of_steps_that_no_run_can_have_taken_is_refused(float steps)
    {
        IOptimizer optimizer = Stepped(Pair());
        var state = Weights.StateOf(optimizer);
        state["a.step"] = Tensor.FromValues([1], [steps]);
        Assert.Equal("a.step", Assert.Throws<CheckpointException>(() => Weights.Restore(optimizer, state)).Tensor);
    }

    private static Parameter[] Pair() => [Weights.Create("a", [3], [1, 2, 3]), Weights.Create("b", [2, 2], [-1, 0.5f, 0.25f, 2])];

    private static IOptimizer Over(OptimizerOptions options, Parameter[] weights) =>
        options.Create([.. weights.Select(weight => new OptimizedParameter(weight, 1, 0.1))]);

    private static IOptimizer Stepped(Parameter[] weights)
    {
        IOptimizer optimizer = Over(new AdamWOptions(), weights);
        Weights.SetGradients((weights[0], [1, 2, 3]));
        optimizer.Step(0.01, 1);
        return optimizer;
    }
}
