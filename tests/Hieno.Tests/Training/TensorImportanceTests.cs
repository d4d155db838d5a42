using Hieno.Models;
using Hieno.Optimizers;
using Hieno.Tensors;
using Hieno.Tests.Tuning;
using Hieno.Training;
using Hieno.Tuning;

namespace Hieno.Tests.Training;

public sealed class TensorImportanceTests
{
    // L = Σ a·w² has g = 2a·w; a step of gradient descent gives w₁ = w₀·(1 − 2aη), so I = −g₁·Δw = 4a²η(1 − 2aη)·Σw₀².
    [Fact]
    public void It_is_the_first_order_fall_of_the_loss_by_the_optimizers_own_step()
    {
        const double Rate = 0.1;
        (Parameter Parameter, float A)[] items = [(Weight("steep", [0.5f, -2f]), 2f), (Weight("flat", [3f]), 0.25f)];
        Parameter[] parameters = [.. items.Select(item => item.Parameter)];
        void Differentiate()
        {
            using Tape tape = Tape.Begin();
            tape.Backward(items.Select(item => Ops.Scale(Ops.Sum(Ops.Mul(item.Parameter.Value, Ops.Scale(item.Parameter.Value, 1f))), item.A)).Aggregate(Ops.Add));
        }

        IOptimizer optimizer = new SgdOptions().Create(OptimizedParameter.Create(parameters, 0, weightDecay: 0));
        double[] importance = TensorImportance.Of(parameters, Differentiate, optimizer, Rate, clipNorm: 0, []);
        Assert.All(items.Zip(importance), pair =>
        {
            (double a, double squares) = (pair.First.A, pair.First.Parameter.Value.ToArray().Sum(w => (double)w * w));
            Assert.Equal(4 * a * a * Rate * (1 - (2 * a * Rate)) * squares, pair.Second, 1e-5);
        });
        Assert.Equal([0.5f, -2f], parameters[0].Value.ToArray());
        Assert.All(parameters, parameter => Assert.Null(parameter.Value.Grad));
    }

    [Fact]
    public void The_weights_and_the_state_of_the_runs_optimizer_are_left_bit_for_bit()
    {
        TextModel model = TinyTuning.Language("gpt2");
        TunedModel tuned = new FullOptions().Create().Apply(model, seed: 0);
        var options = new AdamWOptions { WeightDecay = 0.1 };
        IReadOnlyList<OptimizedParameter> optimized = OptimizedParameter.Create(tuned.Trainable, 2, weightDecay: 0.1);
        IOptimizer optimizer = options.Create(optimized);
        TinyTuning.Differentiate(tuned);
        optimizer.Step(0.01, gradientScale: 1);
        Clear(tuned);

        Dictionary<string, float[]> weights = TinyTuning.Weights(model);
        float[][] state = StateOf(optimizer);
        double[] importance = TensorImportance.Of(
            tuned.Trainable, () => TinyTuning.Differentiate(tuned), TensorImportance.Copy(optimizer, options, optimized), 0.01, clipNorm: 1, []);
        Assert.Equal(weights, TinyTuning.Weights(model));
        Assert.Equal(state, StateOf(optimizer));
        Assert.All(tuned.Trainable, parameter => Assert.Null(parameter.Value.Grad));
        Assert.True(importance.Count(value => value > 0) > importance.Length / 2); // a small step downhill lowers the loss

        // Moments that came with the copy have their part in it: a fresh optimizer would take another step.
        Assert.NotEqual(importance, TensorImportance.Of(tuned.Trainable, () => TinyTuning.Differentiate(tuned), options.Create(optimized), 0.01, clipNorm: 1, []));
    }

    [Fact]
    public void Elements_that_a_mask_holds_still_are_worth_nothing()
    {
        Parameter parameter = Weight("masked", [1f, 1f]);
        var mask = new ElementMask(parameter, [true, false]);
        double[] masked = Measure([mask]);
        Assert.Equal(Measure([])[0] / 2, masked[0], 1e-6);
        Assert.Equal([1f, 1f], parameter.Value.ToArray());

        double[] Measure(IReadOnlyList<ElementMask> masks) => TensorImportance.Of(
            [parameter],
            () =>
            {
                using Tape tape = Tape.Begin();
                tape.Backward(Ops.Sum(parameter.Value));
            },
            new SgdOptions().Create(OptimizedParameter.Create([parameter], 0, weightDecay: 0)),
            0.1,
            clipNorm: 0,
            masks);
    }

    private static Parameter Weight(string name, float[] values)
    {
        Tensor value = Tensor.CreateLongLived([values.Length]);
        values.CopyTo(value.Span);
        return new Parameter(name, value) { Trainable = true };
    }

    private static float[][] StateOf(IOptimizer optimizer) => [.. optimizer.State.Select(item => item.Value.ToArray())];

    private static void Clear(TunedModel tuned)
    {
        foreach (Parameter parameter in tuned.Trainable)
        {
            parameter.Value.ClearGrad();
        }
    }
}
